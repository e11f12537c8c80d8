internal import Glibc

extension SmallFile.Failure {
    var isMissing: Bool { self == .system(ENOENT) || self == .system(ENOTDIR) }

    /// A part of a sentence: `it is too long`.
    var reason: String {
        switch self {
        case .system(ENOENT), .system(ENOTDIR): "there is none"
        case .system(EISDIR): "it is a directory"
        case .system(EACCES): "the user that modelet runs as may not"
        case .system(let code): "error \(code)"
        case .tooLarge: "it is too long"
        }
    }
}
