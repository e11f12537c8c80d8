/// What the gateway knows of an instance's requests: predictions of clients alone, no probes.
package struct InstanceActivity: Hashable, Sendable {
    package var inFlight: Int
    /// Since a prediction last ended, well or badly; `nil` where none has.
    package var sinceLastAnswer: Duration?
    /// Since the instance last sent something of an answer; `nil` where it never has. Timeouts and callers that leave
    /// end a prediction, too, but are no sign of life.
    package var sinceLastByte: Duration?

    package init(inFlight: Int = 0, sinceLastAnswer: Duration? = nil, sinceLastByte: Duration? = nil) {
        self.inFlight = inFlight
        self.sinceLastAnswer = sinceLastAnswer
        self.sinceLastByte = sinceLastByte
    }
}
