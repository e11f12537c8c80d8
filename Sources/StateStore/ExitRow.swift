internal import ModelCore

/// An exit is kept in columns, so that people can ask for all that ended with code 137.
extension ExitRecord {
    init?(_ row: RowReader) throws {
        guard let word: String = try row.value("exit_kind") else { return nil }
        let kind: Kind
        switch word {
        case "exited": kind = .exited(code: try row.value("exit_code"))
        case "signaled": kind = .signaled(signal: try row.value("exit_signal"))
        case "not_executed": kind = .notExecuted(errno: try row.value("exit_errno"))
        case "never_started": kind = .neverStarted
        case "lost": kind = .lost
        default: throw Unreadable(what: "kind of exit", text: word)
        }
        self.init(
            kind: kind, at: try row.time("exit_at"), message: try row.value("exit_message"),
            logTail: try row.json("exit_log"), isOutOfMemory: try row.value("exit_oom"))
    }
}

extension ExitRecord.Kind {
    var word: String {
        switch self {
        case .exited: "exited"
        case .signaled: "signaled"
        case .notExecuted: "not_executed"
        case .neverStarted: "never_started"
        case .lost: "lost"
        }
    }

    var code: Int32? {
        if case .exited(let code) = self { code } else { nil }
    }

    var signal: Int32? {
        if case .signaled(let signal) = self { signal } else { nil }
    }

    var errno: Int32? {
        if case .notExecuted(let errno) = self { errno } else { nil }
    }
}
