import Foundation
import ModelCore
import TestSupport
import Testing

@testable import Docker

/// What a container made from an order can and cannot do, asked of the kernel from within.
@Suite("Confinement of containers", .needs(.engine))
struct ContainerConfinementTests {
    @Test("by default it has no privileges, and is published on this host only")
    func standard() async throws {
        try await Confined.run { box in
            let facts = try await box.facts()
            #expect(facts["CapEff"] == "0000000000000000")
            #expect(facts["CapBnd"] == "0000000000000000")
            #expect(facts["NoNewPrivs"] == "1")
            #expect(facts["Uid"] == "0")
            for act in ["chown", "mknod", "mount", "setuid", "raw"] { #expect(facts[act] == "refused", "\(act)") }
            #expect(facts["write"] == "done")
            #expect(facts["first"] == "docker-init")
            #expect(try await box.inspect("{{.HostConfig.PidsLimit}}") == "4096")
            #expect(try await box.inspect("{{.HostConfig.Privileged}} {{.HostConfig.CapDrop}}") == "false [ALL]")
            #expect(try await box.inspect("{{json .HostConfig.PortBindings}}").contains(#""HostIp":"127.0.0.1""#))
            #expect(
                try await box.inspect("{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.LogConfig.Type}}")
                    == "no json-file")
            #expect(try await box.inspect("{{len .Mounts}}") == "0")
        }
    }

    @Test("each privilege comes by itself")
    func opened() async throws {
        try await Confined.run {
            $0.addedCapabilities = ["CHOWN"]
        } body: { box in
            let facts = try await box.facts()
            #expect(facts["chown"] == "done")
            #expect(facts["CapEff"] == "0000000000000001")
            for act in ["mknod", "mount", "setuid", "raw"] { #expect(facts[act] == "refused", "\(act)") }
            #expect(facts["NoNewPrivs"] == "1")
        }
        try await Confined.run {
            $0.newPrivileges = true
        } body: { box in
            let facts = try await box.facts()
            #expect(facts["NoNewPrivs"] == "0")
            #expect(facts["chown"] == "refused")
        }
        // Only looked at: machines of CI may lack what a privileged container is to have.
        try await Confined.run(starts: false) {
            $0.privileged = true
        } body: { box in
            let made = "{{.HostConfig.Privileged}} {{.HostConfig.SecurityOpt}} {{.HostConfig.PidsLimit}}"
            let values = try await box.inspect(made)
            #expect(values.hasPrefix("true [no-new-privileges") && values.hasSuffix(" 4096"), "\(values)")
        }
    }

    @Test("limits are those of the manifest")
    func limits() async throws {
        try await Confined.run {
            $0.pidsLimit = .count(8)
            $0.memory = 64 << 20
            $0.cpus = 0.5
            $0.shmSize = 16 << 20
            $0.readOnly = true
            $0.user = "1234:1234"
            $0.initProcess = false
        } body: { box in
            let facts = try await box.facts()
            #expect(facts["write"] == "refused")
            #expect(facts["Uid"] == "1234")
            #expect(facts["forks"] == "refused")
            #expect(facts["first"] == "sh")
            let limits =
                "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.ShmSize}} {{.HostConfig.PidsLimit}}"
            #expect(try await box.inspect(limits) == "67108864 500000000 16777216 8")
        }
        try await Confined.run {
            $0.pidsLimit = .unlimited
        } body: { box in
            let facts = try await box.facts()
            #expect(facts["forks"] == "done")
        }
    }

    @Test("volumes are mounted as they were ordered")
    func volumes() async throws {
        let folder = try TemporaryDirectory()
        for name in ["in", "out"] {
            try FileManager.default.createDirectory(
                atPath: folder.path(name), withIntermediateDirectories: true)
        }
        try "weights".write(toFile: folder.path("in/model"), atomically: true, encoding: .utf8)
        try await Confined.run {
            $0.volumes = [folder.path("in"): "/in:ro", folder.path("out"): "/out"]
            $0.environment = ["SECRET": "${env:TOKEN}"]
        } body: { box in
            let facts = try await box.facts()
            #expect(facts["in"] == "weights")
            #expect(facts["to-in"] == "refused")
            #expect(facts["to-out"] == "done")
            #expect(facts["PORT"] == "8000")
            #expect(facts["SECRET"] == "s3cret")
            #expect(FileManager.default.fileExists(atPath: folder.path("out/written")))
            #expect(!FileManager.default.fileExists(atPath: folder.path("in/written")))
        }
    }

    /// A server in the place of process 1 would not hear of it, for it handles no signal.
    @Test("TERM ends a server that does not handle it")
    func termination() async throws {
        try await Confined.run {
            $0.command = ["sleep", "1000"]
        } body: { box in
            try await box.engine.kill(box.id, signal: "TERM")
            #expect(try await box.ended().exitCode == 143)
        }
    }
}

/// One container on the tests' engine, from an order, with busybox as its image.
private struct Confined {
    let engine: Engine
    let id: String
    private let shared: PrivateEngine

    private static let image = "modelet-test/busybox:latest"

    static func run(
        starts: Bool = true, _ edit: (inout ContainerSpec) -> Void = { _ in }, body: (Confined) async throws -> Void
    ) async throws {
        let shared = try await PrivateEngine.shared()
        let engine = Engine(address: EngineAddress(socket: shared.socket))
        if (try? await engine.inspectImage(image)) == nil { try await importBusybox(shared) }
        var spec = ContainerSpec(containerPort: 8000)
        spec.command = ["sh", "-c", script]
        edit(&spec)
        let instance = InstanceRecord(
            id: InstanceID("confined-\(UInt32.random(in: 0 ... .max))"),
            key: ModelKey(domain: "test", source: "box", model: "default"), generation: 1, attempt: 0,
            source: .docker(DockerSpec(image: image, container: spec)), host: "127.0.0.1",
            port: Int.random(in: 20000...29999), createdAt: Timestamp(milliseconds: 0))
        let order = try ContainerOrder.make(
            for: instance, state: "confinement", image: image, of: try await engine.inspectImage(image),
            inherited: ["TOKEN": "s3cret"])
        let id = try await engine.createContainer(name: ContainerLabels.containerName(of: instance.id), order)
        do {
            if starts { try await engine.start(id) }
            try await body(Confined(engine: engine, id: id, shared: shared))
        } catch {
            try await engine.remove(id, force: true)
            throw error
        }
        try await engine.remove(id, force: true)
    }

    /// What the container says of itself: `name: value` a line.
    func facts() async throws -> [String: String] {
        let details = try await ended()
        let lines = try await engine.logTail(id, lines: 100)
        #expect(details.exitCode == 0, "\(lines)")
        let pairs = lines.compactMap { line -> (String, String)? in
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            return parts.count == 2 ? (parts[0], parts[1]) : nil
        }
        return Dictionary(pairs) { first, _ in first }
    }

    func ended() async throws -> ContainerDetails {
        var details = try await engine.inspect(id)
        try await eventually("the container ends") {
            details = try await self.engine.inspect(self.id)
            return details?.state.hasEnded == true
        }
        return try #require(details)
    }

    func inspect(_ template: String) async throws -> String {
        let scratch = "\(shared.scratch)/inspect-\(UInt32.random(in: 0 ... .max))"
        defer { unlink(scratch) }
        let output = try await runToEnd(
            ["docker", "--host", shared.address, "inspect", "--format", template, id], scratch: scratch)
        return output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Tries what a confined program must not be able to do, and says how that went.
    private static let script = #"""
        grep -E '^(CapEff|CapBnd|NoNewPrivs):' /proc/self/status
        echo "Uid: $(id -u)"
        echo "first: $(cat /proc/1/comm)"
        try() { name=$1; shift; if "$@" >/dev/null 2>&1; then echo "$name: done"; else echo "$name: refused"; fi; }
        touch /tmp/file
        try chown chown 1:1 /tmp/file
        try mknod mknod /tmp/null c 1 3
        try mount mount -t tmpfs none /mnt
        try setuid setuidgid 1 true
        try raw ping -c 1 -W 1 127.0.0.1
        try write touch /written
        try forks sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait'
        echo "in: $(cat /in/model 2>/dev/null)"
        try to-in touch /in/written
        try to-out touch /out/written
        echo "PORT: $PORT"
        echo "SECRET: $SECRET"
        """#

    private static func importBusybox(_ shared: PrivateEngine) async throws {
        let root = shared.scratch + "/busybox-root"
        let make = """
            set -eu
            mkdir -p "$1/bin" "$1/tmp" "$1/mnt" "$1/etc"
            chmod 1777 "$1/tmp"
            cp "$(command -v busybox)" "$1/bin/busybox"
            for name in sh grep id cat chown mknod mount setuidgid ping touch sleep true; do
                ln -sf busybox "$1/bin/$name"
            done
            printf 'root:x:0:0::/:/bin/sh\\nother:x:1:1::/:/bin/sh\\n' > "$1/etc/passwd"
            tar --create --directory "$1" --file "$1.tar" .
            rm -rf "$1"
            """
        try await runToEnd(["/bin/sh", "-c", make, "sh", root], scratch: root + ".log")
        try await runToEnd(
            ["docker", "--host", shared.address, "import", "--change", "ENV PATH=/bin", root + ".tar", image],
            scratch: root + ".log")
        try FileManager.default.removeItem(atPath: root + ".tar")
    }
}
