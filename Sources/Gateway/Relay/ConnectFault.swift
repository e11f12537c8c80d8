import Glibc
import NIOCore
import NIOPosix

/// Why a connection could not be opened, in words that follow the name of the upstream.
struct ConnectFault {
    let sentence: String

    init(_ error: any Error) {
        sentence =
            switch error {
            case let error as IOError: Self.sentence(error)
            case ChannelError.connectTimeout: "did not accept the connection in time"
            case ChannelError.eof: "closed the connection at once"
            case let error as NIOConnectionError: Self.sentence(error)
            default: "cannot be reached: \(error)"
            }
    }

    private static func sentence(_ error: IOError) -> String {
        switch error.errnoCode {
        case ECONNREFUSED: "refused the connection"
        case ECONNRESET: "reset the connection"
        case EHOSTUNREACH, ENETUNREACH: "cannot be reached: there is no way to its host"
        default: "cannot be reached: \(String(cString: strerror(error.errnoCode)))"
        }
    }

    private static func sentence(_ error: NIOConnectionError) -> String {
        if let first = error.connectionErrors.first { return ConnectFault(first.error).sentence }
        return "cannot be reached: its name does not resolve"
    }
}
