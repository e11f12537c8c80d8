import ModelCore

extension EventRecord {
    /// Events of trouble that tell of its end. Their kind is that of its beginning.
    enum AllClear {
        static let backoff = "failed loads are forgotten"
        static let hold = "no longer held"
        static let heldRemoval = "\(HeldRemoval.name) no longer"
        static let drift = "its image is again what runs"

        static let all = [backoff, hold, heldRemoval, drift]
    }

    /// Whether it tells that something is well again.
    package var isAllClear: Bool { AllClear.all.contains { message.hasPrefix($0) } }
}
