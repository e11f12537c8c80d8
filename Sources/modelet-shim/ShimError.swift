internal import Glibc

/// Why the shim gave up, with the exit code that the controller sees (of sysexits.h).
enum ShimError: Error {
    case usage(String)
    case badOrder(String)
    case system(String, errno: Int32)

    var message: String {
        switch self {
        case .usage(let text): text
        case .badOrder(let text): "malformed launch order: \(text)"
        case .system(let call, let code): "\(call): \(String(cString: strerror(code)))"
        }
    }

    var exitCode: Int32 {
        switch self {
        case .usage: 64
        case .badOrder: 65
        case .system: 71
        }
    }
}

/// Calls again while interrupted; throws where the call returns -1.
@discardableResult
func check(_ name: String, _ call: () -> Int32) throws(ShimError) -> Int32 {
    while true {
        let result = call()
        if result >= 0 { return result }
        if errno != EINTR { throw .system(name, errno: errno) }
    }
}
