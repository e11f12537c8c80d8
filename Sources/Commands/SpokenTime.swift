import ModelCore

/// Times as people read them who look at `now`.
struct SpokenTime {
    let now: Timestamp

    /// How long ago, in the largest unit that still tells something: `90s`, `15m`, `3h`, `2d`.
    func age(since time: Timestamp) -> String { Self.span(now - time) }

    /// `2026-11-23T04:22:42Z (90s ago)`, or `(in 90s)`.
    func both(_ time: Timestamp) -> String {
        let relative = time > now ? "in \(Self.span(time - now))" : "\(age(since: time)) ago"
        return "\(time.rfc3339ToTheSecond) (\(relative))"
    }

    static func span(_ span: Seconds) -> String {
        let seconds = max(span.milliseconds / 1000, 0)
        switch seconds {
        case ..<120: return "\(seconds)s"
        case ..<7200: return "\(seconds / 60)m"
        case ..<172_800: return "\(seconds / 3600)h"
        default: return "\(seconds / 86400)d"
        }
    }
}
