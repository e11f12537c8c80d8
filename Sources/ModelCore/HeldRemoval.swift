/// The condition of a model that no manifest defines any more, and that stays because too many would go at once.
package struct HeldRemoval: Codable, Hashable, Sendable {
    /// What the condition is called.
    package static let name = "RemovalHeld"

    package var since: Timestamp
    /// The line to run that lets it go.
    package var remedy: String

    package init(since: Timestamp, remedy: String) {
        self.since = since
        self.remedy = remedy
    }

    /// Why the model is still there, and the way through.
    package var message: String {
        "\(Self.name): no manifest defines it any more; `\(remedy)` removes it, defining it again keeps it"
    }
}
