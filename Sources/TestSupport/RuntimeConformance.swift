internal import ModelCore
internal import Reconciler

/// What every ``Runtime`` does, whatever it runs. Run over processes, containers, and the table in memory.
package enum RuntimeConformance {
    package static let rules: [RuntimeRule] = launchRules + adoptionRules + stopRules + exitRules
}

/// One promise of the protocol, and how it is checked on a host where nothing of ours runs.
package struct RuntimeRule: Sendable, CustomStringConvertible {
    package let description: String
    package let check: @Sendable (RuntimeUnderTest) async throws -> Void

    init(_ description: String, _ check: @escaping @Sendable (RuntimeUnderTest) async throws -> Void) {
        self.description = description
        self.check = check
    }
}

extension RuntimeConformance {
    static let launchRules = [
        RuntimeRule("a launched instance runs, is measured by its own pid, and listens where it was told to") { host in
            let instance = try await host.launch(.runs)
            try expect(instance.shim != nil || instance.containerID != nil, "prepare returns an identity")
            try await host.untilUp(instance)
            let server = await host.runtime.server(of: instance)
            try expect(server != nil, "a running server has a pid")
            try await host.end(instance)
        },
        RuntimeRule("a port that is leased is not given to another") { host in
            let id = host.newID()
            let first = try await host.runtime.reservePort(for: id, source: host.source(.runs), leased: [])
            let other = host.newID()
            let second = try await host.runtime.reservePort(for: other, source: host.source(.runs), leased: [first])
            try expect(first != second, "two ports")
            await host.runtime.abandon(id)
            await host.runtime.abandon(other)
        },
        RuntimeRule("what is abandoned before it was let go was never started, and nothing is left of it") { host in
            let instance = try await host.prepare(.runs)
            await host.runtime.abandon(instance.id)
            await host.runtime.abandon(instance.id)
            try await expectGone(await host.runtime.adopt(instance), .neverStarted)
            try await host.expectNothingIsLeft(of: instance)
        },
        RuntimeRule("abandoning a reservation, or what nobody knows, does nothing else") { host in
            let id = host.newID()
            let port = try await host.runtime.reservePort(for: id, source: host.source(.runs), leased: [])
            await host.runtime.abandon(id)
            await host.runtime.abandon(host.newID())
            try expect(port > 0, "a port")
        },
        RuntimeRule("what has not been prepared cannot be let go") { host in
            do {
                try await host.runtime.release(host.newID())
            } catch {
                return
            }
            throw BrokenPromise(description: "it was let go")
        },
    ]

    static let adoptionRules = [
        RuntimeRule("a second runtime takes a running instance over, as the same process") { host in
            let instance = try await host.launch(.runs)
            try await host.untilUp(instance)
            let before = await host.runtime.server(of: instance)
            host.restart()
            guard case .ours(let server, _) = await host.runtime.adopt(instance) else {
                throw BrokenPromise(description: "it was not taken over")
            }
            try expectEqual(server, before)
            // Idempotent.
            guard case .ours = await host.runtime.adopt(instance) else {
                throw BrokenPromise(description: "it was not taken over again")
            }
            try await host.end(instance)
        },
        RuntimeRule("what was prepared, recorded and never let go is gone, and nothing is left of it") { host in
            let instance = try await host.prepare(.runs)
            host.restart()
            try await expectGone(await host.runtime.adopt(instance), .neverStarted)
            try await host.expectNothingIsLeft(of: instance)
        },
        RuntimeRule("what was prepared and never recorded is gone, and nothing is left of it") { host in
            var instance = try await host.prepare(.runs)
            instance.phase = .intent
            instance.shim = nil
            instance.containerID = nil
            host.restart()
            try await expectGone(await host.runtime.adopt(instance), .neverStarted)
            try await host.expectNothingIsLeft(of: instance)
        },
        RuntimeRule("what was let go and not recorded as that is ours") { host in
            var instance = try await host.launch(.runs)
            try await host.untilUp(instance)
            instance.phase = .gated
            host.restart()
            guard case .ours = await host.runtime.adopt(instance) else {
                throw BrokenPromise(description: "it was not taken over")
            }
            try await host.end(instance)
        },
        RuntimeRule("what ended while nobody looked is gone, with its code and its last words") { host in
            let instance = try await host.launch(.exits(code: 3, saying: "no such weights"))
            let seen = await host.runtime.exit(of: instance)
            host.restart()
            guard case .gone(let record) = await host.runtime.adopt(instance) else {
                throw BrokenPromise(description: "it is not gone")
            }
            try expectEqual(.exited(record), seen)
            try expectEqual(record.kind, .exited(code: 3))
        },
        RuntimeRule("an instance of which nothing exists is gone") { host in
            let instance = host.instance(host.newID(), .runs, port: 1)
            guard case .gone = await host.runtime.adopt(instance) else {
                throw BrokenPromise(description: "it is not gone")
            }
        },
    ]

    /// Expects the verdict that an instance is gone, and how.
    private static func expectGone(_ verdict: AdoptionVerdict, _ kind: ExitRecord.Kind) async throws {
        guard case .gone(let record) = verdict else { throw BrokenPromise(description: "not gone: \(verdict)") }
        try expectEqual(record.kind, kind)
    }
}
