internal import Synchronization

/// The end of a log that comes in pieces, in bounded memory.
final class LogEnd: Sendable {
    private let limit: Int
    private let kept = Mutex<[UInt8]>([])

    /// - Parameter limit: bytes.
    init(limit: Int) {
        self.limit = limit
    }

    func append(_ bytes: [UInt8]) {
        kept.withLock { kept in
            kept += bytes
            // Not at each piece: what is thrown away is as much as what stays.
            if kept.count > 2 * limit { kept = Array(kept.suffix(limit)) }
        }
    }

    /// Whole lines, at most `limit`.
    var bytes: [UInt8] {
        kept.withLock { kept in
            guard kept.count > limit else { return kept }
            let end = kept.suffix(limit)
            guard let newline = end.firstIndex(of: UInt8(ascii: "\n")) else { return Array(end) }
            return Array(end[(newline + 1)...])
        }
    }
}
