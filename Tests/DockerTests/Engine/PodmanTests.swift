import Glibc
import TestSupport
import Testing

@testable import Docker

/// Podman's service, which speaks Docker's API with an accent. An extra: skipped where podman is not installed, or the
/// tests are not run by root, also in CI.
@Suite(
    "A real podman",
    .enabled(
        if: geteuid() == 0 && ["podman", "docker", "busybox"].allSatisfy { installedProgram($0) != nil },
        "needs root, podman, docker and busybox"), .timeLimit(.minutes(5)))
struct PodmanTests {
    /// By its whole name: podman may not look for short ones.
    private static let image = "docker.io/modelet-test/busybox:1"

    private let directory: TemporaryDirectory
    private let podman: GuardedProgram
    private let engine: Engine

    init() async throws {
        directory = try TemporaryDirectory()
        // Its defaults raise limits, which not every container of CI may.
        let file = try #require(fopen(directory.path("containers.conf"), "w"))
        fputs("[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\n", file)
        fclose(file)
        let socket = directory.path("p.sock")
        podman = try GuardedProgram(
            ["/bin/sh", "-c", Self.service, "sh", directory.path, "unix://\(socket)"],
            environment: ["CONTAINERS_CONF": directory.path("containers.conf")], output: directory.path("log"))
        let engine = Engine(address: EngineAddress(socket: socket, origin: .podman))
        self.engine = engine
        try await eventually("podman answers") {
            await failure { () async throws(EngineError) in try await engine.ping() } == nil
        }
        let script = """
            set -eu
            mkdir -p "$1/bin"
            cp "$(command -v busybox)" "$1/bin/busybox"
            for name in sh echo sleep; do ln -s busybox "$1/bin/$name"; done
            tar -C "$1" -c . | docker --host "$2" import - "$3"
            """
        try await runToEnd(
            ["/bin/sh", "-c", script, "sh", directory.path("image"), "unix://\(socket)", Self.image],
            scratch: directory.path("import.log"))
    }

    /// All that it keeps is below the test's directory; one thing it leaves mounted.
    private static let service = """
        podman --root "$1/root" --runroot "$1/run" --tmpdir "$1/tmp" --events-backend file \
            system service --time 0 "$2" & service=$!
        trap 'kill "$service"' TERM
        wait "$service"
        wait "$service"
        umount "$1/root/overlay"
        """

    private struct Order: Encodable {
        struct Host: Encodable {
            // Nothing of this host's network is changed.
            var NetworkMode = "none"
        }

        var Image = PodmanTests.image
        var Cmd: [String]
        var Labels: [String: String]
        var HostConfig = Host()
    }

    @Test("a container lives and ends under podman as under Docker")
    func life() async throws {
        let ping = try await engine.ping()
        #expect(ping.isPodman)
        let version = try await engine.version()
        #expect(version.isPodman)
        let image = try await engine.inspectImage(Self.image)
        #expect(image.id.hasPrefix("sha256:"))
        #expect(!image.hasHealthcheck)
        let events = try await engine.events(labels: ["modelet.state": "s"])

        let script = "trap 'exit 7' TERM; echo hello; echo oops >&2; while :; do sleep 0.05; done"
        let order = Order(Cmd: ["/bin/sh", "-c", script], Labels: ["modelet.state": "s"])
        let id = try await engine.createContainer(name: "modelet-test", order)
        let created = try await engine.inspect(id)
        #expect(created?.state == .created)
        try await engine.start(id)
        try await engine.start(id)
        let details = try #require(try await engine.inspect("modelet-test"))
        #expect(details.id == id)
        #expect(details.state == .running)
        #expect(details.health == nil)
        let verdict = try await engine.sharesNamespaces(with: details)
        #expect(verdict == .shared)
        let listed = try await engine.list(labels: ["modelet.state": "s"])
        #expect(listed.map(\.id) == [id])
        let memory = try #require(try await engine.memory(id))
        #expect(memory > 0)
        try await eventually("it has written") { try await engine.logTail(id, lines: 9).count == 2 }

        let stopped = try await engine.stop(id, grace: .seconds(60))
        #expect(stopped == .stopped)
        let again = try await engine.stop(id, grace: .seconds(60))
        #expect(again == .wasNotRunning)
        let ended = try await engine.inspect(id)
        #expect(ended?.state.hasEnded == true)
        #expect(ended?.exitCode == 7)
        let none = try await engine.memory(id)
        #expect(none == nil)
        let kill = await failure { () async throws(EngineError) in try await engine.kill(id, signal: "KILL") }
        guard case .refused(status: 409, _) = kill else {
            Issue.record("\(String(describing: kill))")
            return
        }
        try await engine.remove(id)
        try await engine.remove(id)
        let gone = try await engine.inspect(id)
        #expect(gone == nil)

        var actions: [String] = []
        for try await event in events {
            if event.action == "die" { #expect(event.exitCode == 7) }
            if ["create", "start", "die", "destroy"].contains(event.action) { actions.append(event.action) }
            if event.action == "destroy" { break }
        }
        #expect(actions == ["create", "start", "die", "destroy"])
        podman.end()
    }
}
