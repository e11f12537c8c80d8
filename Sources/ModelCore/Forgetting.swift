/// What an operator does about an instance that can be neither found nor proved gone.
extension InstanceRecord {
    /// Why its model is unknown, and the way out where nothing else helps: a sentence. `nil` where it is not.
    package var whyUnknown: String? {
        unknownReason.map { "\($0); `modelet forget \(id)` gives it up" }
    }
}

extension ExitRecord {
    /// The end of modelet's claim on an instance: nobody has seen the instance itself end.
    package static func forgotten(by operator: String, at time: Timestamp) -> ExitRecord {
        ExitRecord(kind: .lost, at: time, message: "forgotten by \(`operator`)")
    }
}
