import FoundationEssentials
import TestSupport

/// The engine, as its user has it: through the `docker` command.
extension RuntimeScope {
    @discardableResult
    func docker(_ arguments: String...) async throws -> String { try await docker(arguments) }

    func docker(_ arguments: [String]) async throws -> String {
        try await Self.docker(privateEngine, directory, arguments)
    }

    private static func docker(
        _ engine: PrivateEngine, _ directory: TemporaryDirectory, _ arguments: [String]
    ) async throws -> String {
        try await runToEnd(
            ["docker", "--host", engine.address] + arguments,
            environment: ["DOCKER_CONFIG": directory.path("docker"), "DOCKER_BUILDKIT": "0"],
            scratch: directory.path("docker-\(UInt64.random(in: 0 ... .max))"))
    }

    static func provideImage(_ engine: PrivateEngine, _ directory: TemporaryDirectory) async throws {
        if !(try await docker(engine, directory, ["image", "ls", "--quiet", image])).isEmpty { return }
        // The program, and the shared libraries that it is linked with, each where it lies on this host.
        let collect = """
            set -eu
            mkdir -p "$2/tmp"
            cp "$1" "$2/stub-model-server"
            ldd "$1" | grep -o '/[^ ]*' | while read -r library; do
                mkdir -p "$2$(dirname "$library")"
                cp --dereference "$library" "$2$library"
            done
            tar --create --directory "$2" --file "$2.tar" .
            """
        let root = directory.path("root")
        _ = try await runToEnd(
            ["/bin/sh", "-c", collect, "sh", stub, root], scratch: directory.path("collect.log"))
        _ = try await docker(
            engine, directory,
            [
                "import", "--change", #"ENTRYPOINT ["/stub-model-server"]"#, "--change",
                "ENV HOST=0.0.0.0 PORT=\(port)",
                root + ".tar", image,
            ])
    }

    /// An image made of the stub's with changes in the language of Dockerfiles.
    func makeImage(_ name: String, _ changes: String...) async throws -> String {
        let full = "modelet-test/\(name):\(UInt32.random(in: 0 ... .max))"
        let container = try await docker("create", Self.image).filter { !$0.isWhitespace }
        _ = try await Self.docker(
            privateEngine, directory, ["commit"] + changes.flatMap { ["--change", $0] } + [container, full])
        try await docker("rm", container)
        return full
    }

    private static var stub: String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/stub-model-server"
    }
}
