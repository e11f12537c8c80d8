internal import ModelCore
internal import Reconciler

extension RuntimeConformance {
    /// `SIGKILL`.
    private static let killed = ExitRecord.Kind.signaled(signal: 9)

    static let stopRules = [
        RuntimeRule("a server that obeys is asked to end, and not killed") { host in
            let instance = try await host.launch(.runs)
            try await host.untilUp(instance)
            let record = try record(await host.runtime.stop(instance, grace: .seconds(60)))
            try expect(record.kind != killed, "was not killed: \(record.message)")
            try expect(record.message.hasPrefix("stopped"), record.message)
            try await host.expectNothingIsLeft(of: instance)
        },
        RuntimeRule("a server that does not obey is killed when its grace is over") { host in
            let instance = try await host.launch(.ignoresTERM)
            try await host.untilUp(instance)
            let record = try record(await host.runtime.stop(instance, grace: .milliseconds(200)))
            try expectEqual(record.kind, killed)
            try expectEqual(record.message, "killed, because it did not end when asked to")
            try await host.expectNothingIsLeft(of: instance)
        },
        RuntimeRule("stopping twice, at once and later, is stopping once") { host in
            let instance = try await host.launch(.runs)
            try await host.untilUp(instance)
            async let first = host.runtime.stop(instance, grace: .seconds(60))
            async let second = host.runtime.stop(instance, grace: .seconds(60))
            let verdicts = await [first, second, host.runtime.stop(instance, grace: .zero)]
            let expected = ExitVerdict.exited(try record(verdicts[0]))
            try expectEqual(verdicts, [expected, expected, expected])
            try expectEqual(await host.runtime.exit(of: instance), expected)
        },
        RuntimeRule("a second runtime stops what the first has started") { host in
            let instance = try await host.launch(.runs)
            try await host.untilUp(instance)
            host.restart()
            let record = try record(await host.runtime.stop(instance, grace: .seconds(60)))
            try expect(record.message.hasPrefix("stopped"), record.message)
            try await host.expectNothingIsLeft(of: instance)
        },
        RuntimeRule("what was never let go can be stopped") { host in
            let instance = try await host.prepare(.runs)
            let record = try record(await host.runtime.stop(instance, grace: .seconds(60)))
            try expectEqual(record.kind, .neverStarted)
            try await host.expectNothingIsLeft(of: instance)
        },
        RuntimeRule("what does not exist can be stopped") { host in
            let instance = host.instance(host.newID(), .runs, port: 1)
            let verdict = await host.runtime.stop(instance, grace: .zero)
            guard case .exited = verdict else { throw BrokenPromise(description: "\(verdict)") }
        },
    ]

    static let exitRules = [
        RuntimeRule("an exit is told with its code and the last words, again and again") { host in
            let instance = try await host.launch(.exits(code: 3, saying: "no such weights"))
            let record = try record(await host.runtime.exit(of: instance))
            try expectEqual(record.kind, .exited(code: 3))
            try expectEqual(record.message, "exited with code 3")
            try expectEqual(record.logTail, ["no such weights"])
            try expectEqual(await host.runtime.exit(of: instance), .exited(record))
            try expectEqual(await host.runtime.stop(instance, grace: .zero), .exited(record))
            try expectEqual(await host.runtime.logTail(of: instance), ["no such weights"])
        },
        RuntimeRule("an exit is seen by all who wait for it, and by a runtime that came later") { host in
            let instance = try await host.launch(.runs)
            try await host.untilUp(instance)
            let runtime = host.runtime
            let second = host.another()
            _ = await second.adopt(instance)
            let verdicts = await withTaskGroup(of: ExitVerdict.self) { group in
                for _ in 0..<3 { group.addTask { await runtime.exit(of: instance) } }
                group.addTask { await second.exit(of: instance) }
                group.addTask { await runtime.stop(instance, grace: .seconds(60)) }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let expected = try record(await host.runtime.exit(of: instance))
            for verdict in verdicts { try expectEqual(try record(verdict).kind, expected.kind) }
        },
        RuntimeRule("waiting for an exit can be cancelled, and changes nothing") { host in
            let instance = try await host.launch(.runs)
            try await host.untilUp(instance)
            let runtime = host.runtime
            let waiting = Task { await runtime.exit(of: instance) }
            waiting.cancel()
            guard case .unknown = await waiting.value else {
                throw BrokenPromise(description: "a cancelled wait has no exit to tell")
            }
            guard case .ours = await runtime.adopt(instance) else {
                throw BrokenPromise(description: "it no longer runs")
            }
            try await host.end(instance)
        },
        RuntimeRule("what has ended is not measured") { host in
            let instance = try await host.launch(.exits(code: 0, saying: "done"))
            _ = await host.runtime.exit(of: instance)
            try expect(await host.runtime.residentMemory(of: [instance]).isEmpty, "nothing to measure")
        },
    ]

    static func record(_ verdict: ExitVerdict) throws -> ExitRecord {
        guard case .exited(let record) = verdict else { throw BrokenPromise(description: "\(verdict)") }
        return record
    }
}
