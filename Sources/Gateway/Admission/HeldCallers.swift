/// The callers that one event loop holds for a model which is not loaded yet, in the order of their arrival.
struct HeldCallers {
    private var callers: [UInt64: ClientConnection] = [:]
    private var lastTicket: UInt64 = 0

    var count: Int { callers.count }

    /// - Returns: the ticket with which the caller leaves again.
    mutating func add(_ caller: ClientConnection) -> UInt64 {
        lastTicket += 1
        callers[lastTicket] = caller
        return lastTicket
    }

    mutating func remove(_ ticket: UInt64) {
        callers[ticket] = nil
    }

    /// All callers, first come first; they keep their tickets.
    var inOrder: [ClientConnection] {
        callers.sorted { $0.key < $1.key }.map(\.value)
    }
}
