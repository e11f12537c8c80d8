import ModelCore
import StateStore

/// An event as programs read it, in the words of the view `events`. What does not apply is left out.
struct EventReport: Encodable {
    var id: Int64
    var at: String
    var key: ModelKey?
    var instance: InstanceID?
    var kind: String
    var message: String

    init(_ event: EventRecord) {
        id = event.id
        at = event.at.rfc3339
        key = event.key
        instance = event.instance
        kind = event.kind
        message = event.message
    }
}

struct EventList: Encodable {
    var events: [EventReport]
}

/// Events as people read them: a line each, in columns that grow with what they hold, since what will come is not known.
struct EventColumns {
    private let isColoured: Bool
    private var keyWidth = 0
    private var kindWidth = 0

    init(isColoured: Bool) {
        self.isColoured = isColoured
    }

    mutating func lines(_ events: [EventRecord]) -> [String] {
        keyWidth = max(keyWidth, events.map { Self.subject($0).count }.max() ?? 0)
        kindWidth = max(kindWidth, events.map(\.kind.count).max() ?? 0)
        return events.map(line)
    }

    private func line(_ event: EventRecord) -> String {
        let subject = Self.subject(event)
        let line =
            "\(event.at.rfc3339)  \(subject)\(blanks(keyWidth - subject.count))  "
            + "\(event.kind)\(blanks(kindWidth - event.kind.count))  \(event.message.printableLine)"
        guard isColoured, let colour = Self.colour(of: event) else { return line }
        return "\u{1B}[\(colour)m\(line)\u{1B}[0m"
    }

    private func blanks(_ count: Int) -> String { String(repeating: " ", count: max(count, 0)) }

    private static func subject(_ event: EventRecord) -> String { event.key?.description ?? "-" }

    /// Of what went wrong, and of what is well again; the colour's number in a terminal's escape sequence.
    private static func colour(of event: EventRecord) -> Int? {
        switch event.kind {
        case _ where event.isAllClear: nil
        case "backoff", "pull_failed", "unknown", "lost": 31
        case "blocked", "unready", "held", "drift": 33
        case "ready": 32
        default: nil
        }
    }
}
