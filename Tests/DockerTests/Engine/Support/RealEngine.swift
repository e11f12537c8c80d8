import ModelCore
import Synchronization
import TestSupport

@testable import Docker

/// The tests' own engine, with an image that has a shell.
struct RealEngine: Sendable {
    /// `busybox`, statically linked, and a health check.
    static let image = "modelet-test/busybox:1"

    let own: PrivateEngine
    let engine: Engine

    static func start() async throws -> RealEngine {
        // The image is made once: each import would be another, and take the name from the one before.
        let starting = first.withLock { task in
            let running =
                task
                ?? Task {
                    let own = try await PrivateEngine.shared()
                    let real = RealEngine(own: own, engine: Engine(address: EngineAddress(socket: own.socket)))
                    try await real.importImage()
                    return real
                }
            task = running
            return running
        }
        return try await starting.value
    }

    private static let first = Mutex<Task<RealEngine, any Error>?>(nil)

    private func importImage() async throws {
        let scratch = "\(own.scratch)/busybox-\(UInt64.random(in: 0 ... .max))"
        let script = """
            set -eu
            mkdir -p "$1/bin"
            cp "$(command -v busybox)" "$1/bin/busybox"
            for name in sh echo sleep cat dd kill; do ln -s busybox "$1/bin/$name"; done
            tar -C "$1" -c . | docker --host "$2" import --change 'ENV GREETING=hello' \
                --change 'HEALTHCHECK --interval=1s CMD ["/bin/echo", "fine"]' - "$3"
            rm -rf "$1"
            """
        try await runToEnd(
            ["/bin/sh", "-c", script, "sh", scratch, own.address, Self.image], scratch: scratch + ".log")
    }

    /// A container with a name and labels of the test's own, which is removed in the end, whatever the test does to it.
    func withContainer<Result>(
        _ script: String, labels: [String: String] = [:], memory: Int64? = nil, port: Int? = nil,
        hasTerminal: Bool = false, _ body: (String) async throws -> Result
    ) async throws -> Result {
        let id = try await engine.createContainer(
            name: "modelet-test-\(UInt64.random(in: 0 ... .max))",
            Order(
                Image: Self.image, Cmd: ["/bin/sh", "-c", script], Labels: labels, Tty: hasTerminal,
                ExposedPorts: port == nil ? [:] : ["8000/tcp": [:]],
                HostConfig: Order.Host(
                    PortBindings: port.map { ["8000/tcp": [["HostIp": "127.0.0.1", "HostPort": "\($0)"]]] } ?? [:],
                    Memory: memory, MemorySwap: memory)))
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body(id))
        } catch {
            result = .failure(error)
        }
        try await engine.remove(id, force: true)
        return try result.get()
    }

    private struct Order: Encodable {
        struct Host: Encodable {
            var PortBindings: [String: [[String: String]]]
            var Memory: Int64?
            var MemorySwap: Int64?
        }

        var Image: String
        var Cmd: [String]
        var Labels: [String: String]
        var Tty: Bool
        var ExposedPorts: [String: [String: String]]
        var HostConfig: Host
    }
}
