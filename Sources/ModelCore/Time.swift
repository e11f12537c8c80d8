/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z; what the database stores and `decide` compares.
package struct Timestamp: Hashable, Sendable, Codable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    package init(from decoder: any Decoder) throws {
        milliseconds = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }
}

extension Timestamp: Comparable {
    package static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }
    package static func + (time: Timestamp, span: Seconds) -> Timestamp {
        Timestamp(milliseconds: time.milliseconds + span.milliseconds)
    }
    /// The time from `b` to `a`, negative where `a` is earlier.
    package static func - (a: Timestamp, b: Timestamp) -> Seconds {
        Seconds(milliseconds: a.milliseconds - b.milliseconds)
    }
}

/// A span of time as manifests and the database write it: a number of seconds, exact to the millisecond.
package struct Seconds: Hashable, Sendable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    package init(_ seconds: Int64) {
        self.init(milliseconds: seconds * 1000)
    }

    package var duration: Duration { .milliseconds(milliseconds) }
    package static let zero = Seconds(milliseconds: 0)
}

extension Seconds: Comparable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    package init(integerLiteral seconds: Int64) { self.init(seconds) }
    package static func < (a: Seconds, b: Seconds) -> Bool { a.milliseconds < b.milliseconds }

    /// As a manifest would write it: `90s`, `1.5s`, `250ms`.
    package var description: String {
        if milliseconds % 1000 == 0 { return "\(milliseconds / 1000)s" }
        return milliseconds.magnitude < 1000 ? "\(milliseconds)ms" : "\(Double(milliseconds) / 1000)s"
    }
}

extension Seconds: Codable {
    package init(from decoder: any Decoder) throws {
        let seconds = try decoder.singleValueContainer().decode(Double.self)
        self.init(milliseconds: Int64((seconds * 1000).rounded()))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if milliseconds % 1000 == 0 {
            try container.encode(milliseconds / 1000)
        } else {
            try container.encode(Double(milliseconds) / 1000)
        }
    }
}
