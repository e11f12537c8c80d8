/// Whether something is under way that is done once more for whoever asks meanwhile, however many ask.
enum OnceMore: Sendable {
    case none, underWay, underWayAndDue

    /// Returns whether to do it: the one who is told so calls ``finish()`` after each time.
    mutating func begin() -> Bool {
        defer { self = self == .none ? .underWay : .underWayAndDue }
        return self == .none
    }

    /// Returns whether to do it once more.
    mutating func finish() -> Bool {
        defer { self = self == .underWayAndDue ? .underWay : .none }
        return self == .underWayAndDue
    }
}
