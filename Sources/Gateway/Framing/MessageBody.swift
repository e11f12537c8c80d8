/// How much of a message's body is still to come.
///
/// A value without I/O: it says which bytes belong to the body, and keeps none.
struct MessageBody {
    enum Framing: Equatable {
        case none
        /// More than 0 bytes.
        case length(Int)
        case chunked
        /// Up to the end of the connection; responses only.
        case untilClose
    }

    private(set) var framing: Framing
    private(set) var isComplete: Bool
    private var remaining: Int
    private var chunks = ChunkedScanner()

    /// Bytes still to come where that is known.
    var remainingLength: Int? {
        if case .length = framing { remaining } else { nil }
    }

    init(_ framing: Framing) {
        self.framing = framing
        isComplete = framing == .none
        if case .length(let length) = framing { remaining = length } else { remaining = 0 }
    }

    static let none = MessageBody(.none)

    /// Takes what belongs to the body off the front of `bytes`.
    /// - Parameter onData: called with each range of `bytes` that is content rather than framing.
    /// - Returns: how many bytes that was; `nil` where they are malformed.
    @inline(__always)
    mutating func take(_ bytes: UnsafeRawBufferPointer, onData: (Range<Int>) -> Void = { _ in }) -> Int? {
        switch framing {
        case .none:
            return 0
        case .length:
            let count = min(remaining, bytes.count)
            remaining -= count
            isComplete = remaining == 0
            if count > 0 { onData(0..<count) }
            return count
        case .chunked:
            guard !isComplete else { return 0 }
            switch chunks.scan(bytes, onData: onData) {
            case .partial: return bytes.count
            case .malformed: return nil
            case .complete(let count):
                isComplete = true
                return count
            }
        case .untilClose:
            if !bytes.isEmpty { onData(0..<bytes.count) }
            return bytes.count
        }
    }
}
