import Glibc
import TestSupport

/// The engine of the tests as a user has it at hand: through the `docker` command.
struct TestEngine: Sendable {
    let engine: PrivateEngine

    /// The image of the stub server, whose flags are the container's command.
    static let stub = "modelet-test/stub:latest"

    var address: String { engine.address }

    /// The tests' one engine, with the image of the stub server in it.
    static func shared() async throws -> TestEngine { try await withStub(PrivateEngine.shared()) }

    /// Another engine on this machine, with that image, too.
    static func second() async throws -> TestEngine { try await withStub(PrivateEngine.second()) }

    private static func withStub(_ engine: PrivateEngine) async throws -> TestEngine {
        let found = TestEngine(engine: engine)
        if try await found.tryDocker(["image", "inspect", stub]).status != 0 { try await found.importStub() }
        return found
    }

    /// Runs `docker` on it. Returns what it prints, without the last line's end.
    @discardableResult
    func docker(_ arguments: String...) async throws -> String { try await docker(arguments) }

    @discardableResult
    func docker(_ arguments: [String], environment: [String: String] = [:]) async throws -> String {
        let ended = try await tryDocker(arguments, environment: environment)
        guard ended.status == 0 else {
            throw HarnessError("docker \(arguments.joined(separator: " ")): \(ended.errors)")
        }
        return ended.output
    }

    func tryDocker(_ arguments: [String], environment: [String: String] = [:]) async throws -> TestHost.Ended {
        let output = "\(engine.scratch)/docker-\(UInt64.random(in: 0...UInt64.max))"
        let process = try ChildProcess(
            ["docker", "--host", address] + arguments,
            environment: ["DOCKER_CONFIG": engine.scratch + "/docker-config"].merging(environment) { $1 },
            output: output)
        let status = try await process.exitStatus(within: .seconds(120))
        defer { for ending in [".out", ".err"] { unlink(output + ending) } }
        let printed = process.output
        return TestHost.Ended(
            status: status, output: printed.hasSuffix("\n") ? String(printed.dropLast()) : printed,
            errors: process.errors)
    }

    /// One value of what `docker inspect` knows of a container or image, by a template as `docker` takes it.
    func inspect(_ object: String, _ template: String) async throws -> String {
        try await docker("inspect", "--format", template, object)
    }

    // MARK: - Containers

    /// The ids of a host's containers, sorted.
    /// - Parameter all: also those that do not run.
    func containers(of host: TestHost, all: Bool = true) async throws -> [String] {
        let states = host.stateUUIDs()
        var found: [String] = []
        for uuid in states {
            let filter = ["--filter", "label=modelet.state=\(uuid)", "--format", "{{.ID}}"]
            found += try await docker(["ps", "--no-trunc"] + (all ? ["--all"] : []) + filter).split(separator: "\n")
                .map(String.init)
        }
        return found.sorted()
    }

    /// Deletes what a test has left: containers that modelet made, and those that the test marked as its own.
    func removeContainers(of host: TestHost) async {
        for label in ["modelet.state", Self.strangers] {
            guard let ended = try? await tryDocker(["ps", "--all", "--quiet", "--filter", "label=\(label)"]) else {
                continue
            }
            let ids = ended.output.split(separator: "\n").map(String.init)
            if !ids.isEmpty { _ = try? await tryDocker(["rm", "--force", "--volumes"] + ids) }
        }
    }

    /// Marks containers that a test has made itself, and that are none of modelet's.
    static let strangers = "modelet-test.stranger"

    /// Starts a container that is none of modelet's. Returns its id.
    func runStranger(_ arguments: [String] = [], image: String = stub, command: [String] = []) async throws -> String {
        try await docker(["run", "--detach", "--label", Self.strangers] + arguments + [image] + command)
    }

    // MARK: - Images

    private func importStub() async throws {
        try await importProgram(
            TestHost.stub, as: Self.stub,
            changes: [#"ENTRYPOINT ["/stub-model-server"]"#, "ENV HOST=0.0.0.0 PORT=8000"])
    }

    /// Makes an image that holds a program of this host, and the shared libraries that it is linked with, each where it
    /// lies here.
    /// - Parameter files: further files, by their path in the image.
    func importProgram(
        _ program: String, as image: String, changes: [String], files: [String: String] = [:]
    ) async throws {
        let root = "\(engine.scratch)/root-\(UInt64.random(in: 0...UInt64.max))"
        let collect = """
            set -eu
            mkdir -p "$2/tmp"
            cp "$1" "$2/"
            { ldd "$1" || true; } | { grep -o '/[^ ]*' || true; } | while read -r library; do
                mkdir -p "$2$(dirname "$library")"
                cp --dereference "$library" "$2$library"
            done
            root=$2
            shift 2
            while [ $# -gt 0 ]; do
                mkdir -p "$root$(dirname "$1")"
                printf %s "$2" > "$root$1"
                shift 2
            done
            chmod -R a+rX "$root"
            tar --create --directory "$root" --file "$root.tar" .
            rm -rf "$root"
            """
        try await runToEnd(
            ["/bin/sh", "-c", collect, "sh", program, root] + files.flatMap { [$0.key, $0.value] },
            scratch: root + ".log")
        try await docker(["import"] + changes.flatMap { ["--change", $0] } + [root + ".tar", image])
        for ending in [".tar", ".log"] { unlink(root + ending) }
    }

    /// An image of its own made of another one, with changes in the language of Dockerfiles. Not cleaned up: engines of
    /// tests end with them.
    func makeImage(_ name: String, from image: String = stub, changes: [String]) async throws {
        let container = try await docker("create", "--label", Self.strangers, image)
        try await docker(["commit"] + changes.flatMap { ["--change", $0] } + [container, name])
        try await docker("rm", container)
    }
}

extension TestHost {
    /// Who this host's states are: each is a directory with a file `uuid` in it.
    func stateUUIDs() -> [String] {
        [state, directory + "/state2"].map { readFile($0 + "/uuid").filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
    }
}
