import AsyncHTTPClient
import Glibc
import NIOCore
import NIOPosix

/// Why a daemon did not do what it was asked.
package enum ClientError: Error, Hashable, Sendable {
    /// Nobody listens: there is no socket, or its daemon is dead.
    case noDaemon
    /// It answered with an error: its status, the word for programs and the sentence for people.
    case api(status: Int, code: String, message: String)
    /// The exchange failed on its way: a sentence.
    case transport(String)
    /// What it answered is not understood: it is of another version. A sentence.
    case badReply(String)
    /// It did not answer in time.
    case timedOut
}

extension ClientError {
    /// - Parameter error: what AsyncHTTPClient, NIO or JSON threw.
    init(_ error: any Error) {
        self =
            switch error {
            case let known as ClientError: known
            case let error as HTTPClientError: Self.of(error)
            case let error as IOError: Self.of(errno: error.errnoCode, "\(error)")
            case let error as NIOConnectionError: Self.of(error)
            case is NIOTooManyBytesError: .badReply("the answer is too large")
            case is CancellationError: .transport("cancelled")
            default: .transport("\(error)")
            }
    }

    private static func of(_ error: HTTPClientError) -> ClientError {
        switch error {
        case .deadlineExceeded, .readTimeout, .connectTimeout, .writeTimeout: .timedOut
        case .remoteConnectionClosed: .transport("the connection was closed before the answer was complete")
        case .cancelled: .transport("cancelled")
        default: .transport(error.shortDescription)
        }
    }

    private static func of(_ error: NIOConnectionError) -> ClientError {
        let tries = error.connectionErrors.map(\.error)
        let codes = tries.map { ($0 as? IOError)?.errnoCode }
        if let code = codes.first, let code, codes.allSatisfy({ $0 == code }) {
            return of(errno: code, "\(error.host):\(error.port): \(tries[0])")
        }
        return .transport("cannot connect to \(error.host):\(error.port): \(error)")
    }

    static func of(errno code: CInt, _ message: String) -> ClientError {
        code == ENOENT || code == ECONNREFUSED || code == ENOTDIR ? .noDaemon : .transport(message)
    }
}
