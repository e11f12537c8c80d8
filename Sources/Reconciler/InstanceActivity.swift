/// What the gateway knows of an instance's requests: predictions of clients alone, no probes.
package struct InstanceActivity: Hashable, Sendable {
    package var inFlight: Int
    /// Since a prediction last ended, well or badly; `nil` where none has.
    package var sinceLastAnswer: Duration?

    package init(inFlight: Int = 0, sinceLastAnswer: Duration? = nil) {
        self.inFlight = inFlight
        self.sinceLastAnswer = sinceLastAnswer
    }
}
