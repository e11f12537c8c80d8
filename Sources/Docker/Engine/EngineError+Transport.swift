internal import AsyncHTTPClient
internal import FoundationEssentials
internal import Glibc
internal import NIOCore
internal import NIOHTTP1

extension EngineError {
    /// The task that made the call was cancelled: nobody waits for the answer, and nobody knows what came of it.
    static func cancelled(_ call: String) -> EngineError { .unreachable("\(call) was given up by its caller") }
}

/// What is told when a call fails on its way.
struct TransportFailure: Sendable {
    var address: EngineAddress
    var call: String
    var limit: Duration
    /// How long the engine may say nothing in the midst of its answer, where that is bounded by itself.
    var silence: Duration?

    func error(_ error: any Error) -> EngineError {
        switch error {
        case let error as EngineError: error
        case is CancellationError: .cancelled(call)
        case let error as HTTPClientError: of(client: error)
        case let error as IOError: .unreachable(of(errno: error.errnoCode))
        case let error as HTTPParserError: of(parser: error)
        case is NIOTooManyBytesError: .malformed("the engine's answer to \(call) is larger than it may be")
        case let error as ChannelError: of(channel: error)
        case is SocketAddressError:
            .unreachable("the path of the engine's socket is too long: \(address.socket)")
        default: .malformed("the call \(call) to the engine at \(address) failed: \(error)")
        }
    }

    private var hungUp: EngineError {
        .unreachable("the engine at \(address) hung up before its answer to \(call) was there: was it stopped?")
    }

    private func of(client error: HTTPClientError) -> EngineError {
        switch error {
        case .cancelled, .requestStreamCancelled: .cancelled(call)
        case .readTimeout: .timedOut(call: call, after: silence ?? limit)
        case .deadlineExceeded, .writeTimeout, .getConnectionFromPoolTimeout, .connectTimeout:
            .timedOut(call: call, after: limit)
        case .remoteConnectionClosed: hungUp
        default: .malformed("the call \(call) to the engine at \(address) failed: \(error)")
        }
    }

    private func of(parser error: HTTPParserError) -> EngineError {
        switch error {
        case .invalidEOFState: hungUp
        default: .malformed("what answers at \(address) does not speak HTTP: is it a Docker engine?")
        }
    }

    private func of(channel error: ChannelError) -> EngineError {
        switch error {
        case .connectTimeout: .timedOut(call: call, after: limit)
        default: hungUp
        }
    }

    private func of(errno code: CInt) -> String {
        let podman = address.origin == .podman
        let start = podman ? "`systemctl start podman.socket`" : "`systemctl start docker`"
        return switch code {
        case ENOENT, ENOTDIR:
            "there is no engine at \(address): is \(podman ? "podman's service" : "Docker") running? (\(start))"
        case ECONNREFUSED:
            "nobody listens at \(address), though the socket is there: is \(podman ? "podman's service" : "Docker") "
                + "running? (\(start))"
        case EACCES, EPERM:
            podman
                ? "the socket \(address.socket) may not be used by this user"
                : "the socket \(address.socket) may not be used by this user: add it to the group docker "
                    + "(`sudo usermod -aG docker $USER`, then log in again)"
        case EAGAIN: "the engine at \(address) accepts no connections: is it hung?"
        case ECONNRESET, EPIPE, ENOTCONN:
            "the engine at \(address) hung up before its answer to \(call) was there: was it stopped?"
        default: "the engine at \(address) cannot be reached: \(String(cString: strerror(code)))"
        }
    }
}

/// What an engine says when it refuses.
enum EngineRefusal {
    private struct Body: Decodable {
        var message: String?
        /// Podman's word for the kind of error.
        var cause: String?
    }

    /// The longest message that is shown, in characters.
    private static let longestMessage = 2000

    static func error(status: Int, body: ByteBuffer) -> EngineError {
        let data = Data(body.readableBytesView)
        let refusal = try? JSONDecoder().decode(Body.self, from: data)
        // Podman's way to say that a container runs, or does not; Docker has 409 for that.
        let isConflict = status == 500 && refusal?.cause == "container state improper"
        return error(
            status: isConflict ? 409 : status, message: refusal?.message ?? String(decoding: data, as: UTF8.self))
    }

    static func error(status: Int, message: String) -> EngineError {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        let text = line.isEmpty ? "the engine answered with status \(status)" : line
        return .refused(status: status, message: String(text.prefix(longestMessage)))
    }

    /// `client version 1.43 is too new. Maximum supported API version is 1.41`
    static func isAboutVersion(_ message: String) -> Bool {
        message.contains("client version") && message.contains("is too new")
    }
}

extension EngineError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable(let sentence), .malformed(let sentence): sentence
        case .timedOut(let call, let limit):
            "the engine did not answer \(call) within \(limit.components.seconds) s: is it hung?"
        case .refused(let status, let message): "the engine refused (\(status)): \(message)"
        }
    }
}
