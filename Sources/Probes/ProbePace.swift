/// How often a load is probed: often at first, when every millisecond of a quick start counts, then less and less.
///
/// A pure value. The wait is a twentieth of the time that the load has taken so far, so that being noticed late costs
/// no load more than that twentieth, within fixed bounds.
package struct ProbePace: Hashable, Sendable {
    /// The shortest wait between two probes.
    package static let shortest: Duration = .milliseconds(10)
    /// The longest: what a slow load may lose at its end.
    package static let longest: Duration = .milliseconds(250)
    private static let part = 20

    package init() {}

    /// The wait before the next probe of a load that began `elapsed` ago.
    package func interval(after elapsed: Duration) -> Duration {
        min(max(elapsed / Self.part, Self.shortest), Self.longest)
    }
}
