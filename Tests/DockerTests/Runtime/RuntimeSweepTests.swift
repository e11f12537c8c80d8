import Docker
import ModelCore
import TestSupport
import Testing

@Suite("What containers are left over", .serialized, .needs(.engine))
struct RuntimeSweepTests {
    @Test("what nothing is recorded of is removed at once, or stopped after a minute; the rest is left alone")
    func sweep() async throws {
        try await RuntimeScope.run { scope in
            let live = try await scope.launchStub()
            let created = try await scope.prepare(scope.source())
            let running = try await scope.launchStub()
            let other = try await RuntimeScope.anotherState(scope)
            // What is run from an image that was made of a container of ours has its labels.
            let copy = try await scope.copy(of: live)
            #expect(await scope.sweep(recorded: nil).isEmpty)
            let first = await scope.sweep(recorded: [live])
            #expect(first.count == 1 && first[0].contains("left by a launch that was cut short"), "\(first)")
            #expect(try await scope.details(of: created) == nil)
            scope.clock.advance(by: 59)
            #expect(await scope.sweep(recorded: [live]).isEmpty)
            // Recorded after all: whoever comes later begins anew.
            #expect(await scope.sweep(recorded: [live, running]).isEmpty)
            scope.clock.advance(by: 1)
            #expect(await scope.sweep(recorded: [live]).isEmpty)
            scope.clock.advance(by: 60)
            let last = await scope.sweep(recorded: [live])
            #expect(last.count == 1 && last[0].contains("belongs to no live instance"), "\(last)")
            #expect(try await scope.details(of: running) == nil)
            #expect(try await scope.details(of: live)?.isRunning == true)
            #expect(try await scope.engine.inspect(other)?.state == .created)
            #expect(try await scope.engine.inspect(copy)?.state == .created)
            try await scope.engine.remove(other)
            try await scope.engine.remove(copy)
        }
    }
}

extension RuntimeScope {
    func sweep(recorded: [InstanceRecord]?) async -> [String] {
        let ids = recorded.map { Set($0.map(\.id)) }
        return await runtime.sweep(live: { ids })
    }

    /// A container of somebody who has made an image of one of ours, whose instance has ended since. Returns its id.
    func copy(of instance: InstanceRecord) async throws -> String {
        let labels = try await details(of: instance)?.labels ?? [:]
        let ended = labels.merging(["modelet.instance": "01a00000-0000-7000-8000-000000000000"]) { $1 }
        let flags = ended.flatMap { ["--label", "\($0.key)=\($0.value)"] }
        let created = try await docker(["create", "--name", "somebodys-copy-\(instance.id)"] + flags + [Self.image])
        return created.filter { !$0.isWhitespace }
    }

    /// A container as another state's controller has just created it. Returns its id.
    static func anotherState(_ scope: RuntimeScope) async throws -> String {
        try await scope.docker(
            "create", "--label", "modelet.state=another", "--label", "modelet.instance=1", "--label",
            "modelet.model=d/s/m", "--label", "modelet.generation=1", "--label", "modelet.run-hash=", image
        ).filter { !$0.isWhitespace }
    }
}
