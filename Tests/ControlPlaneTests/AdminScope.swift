import FoundationEssentials
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import Reconciler

@testable import ControlPlane

/// A directory that is gone when the test ends.
func withDirectory<R>(_ body: (String) async throws -> R) async throws -> R {
    let template = strdup("/tmp/modelet-control-XXXXXX")
    defer { free(template) }
    guard let template, let name = mkdtemp(template) else { throw SetupError.system("mkdtemp", errno) }
    let path = String(cString: name)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

/// Runs the admin API of `control` on `socket` while `body` runs, then ends it and waits for its end.
func withServer<R: Sendable>(
    _ control: any ControlSurface, on socket: String, _ body: () async throws -> R
) async throws -> R {
    let server = AdminServer(
        socket: socket, surface: control, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let (listening, signal) = AsyncStream<Void>.makeStream()
    return try await withThrowingTaskGroup { group in
        group.addTask {
            defer { signal.finish() }
            try await server.run { signal.yield() }
        }
        var begun = listening.makeAsyncIterator()
        guard await begun.next() != nil else {
            try await group.waitForAll()
            throw SetupError.ended
        }
        let result = try await body()
        group.cancelAll()
        try await group.waitForAll()
        return result
    }
}

/// The admin API of `control` in a directory of its own.
func withClient<R: Sendable>(
    of control: any ControlSurface, _ body: (AdminClient) async throws -> R
) async throws -> R {
    try await withDirectory { directory in
        let socket = directory + "/modelet.sock"
        return try await withServer(control, on: socket) { try await body(AdminClient(socket: socket)) }
    }
}

enum SetupError: Error {
    case system(String, Int32)
    /// The server ended before the test.
    case ended
}

extension AdminClient {
    struct RawReply {
        var status: Int
        var contentType: String?
        var body: String
    }

    /// One exchange as a program of another language would make it.
    func raw(
        _ method: String, _ path: String, _ body: String? = nil, within timeout: Duration = .seconds(60)
    ) async throws(ClientError) -> RawReply {
        let reply = try await exchange(
            HTTPMethod(rawValue: method), path, body: body.map { ByteBuffer(string: $0) }, within: timeout)
        return RawReply(
            status: reply.status, contentType: reply.headers.first(name: "content-type"),
            body: String(buffer: reply.body))
    }
}
