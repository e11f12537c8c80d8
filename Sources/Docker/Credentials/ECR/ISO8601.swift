internal import FoundationEssentials
internal import ModelCore

extension Timestamp {
    /// `2026-01-31T12:00:00Z`, also with a fraction of the second, and with an offset (`+02:00`) instead of the `Z`.
    init?(iso8601 text: String) {
        let styles = [false, true].map { Date.ISO8601FormatStyle(includingFractionalSeconds: $0) }
        guard let date = styles.lazy.compactMap({ try? $0.parse(text) }).first else { return nil }
        self.init(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
    }
}
