import ModelCore
import Reconciler
import Synchronization

/// How far models are that somebody waits for: on a terminal a line for each, which is written anew; else a new line
/// whenever one has changed.
final class WaitProgress: Sendable {
    private let page: Mutex<ProgressPage>
    private let write: @Sendable (String) -> Void

    /// - Parameter width: the characters of a terminal's line; `nil`: there is no terminal.
    init(
        _ keys: [ModelKey], width: Int?, for goal: WaitGoal = .ready,
        write: @escaping @Sendable (String) -> Void = { Console.writeError($0) }
    ) {
        page = Mutex(ProgressPage(keys, width: width, for: goal))
        self.write = write
    }

    func show(_ conditions: [(ModelKey, ModelCondition)]) {
        page.withLock { page in emit(page.show(conditions)) }
    }

    /// Nothing more is shown of the model. What is written next finds the cursor at the beginning of an empty line.
    func finish(_ key: ModelKey) {
        page.withLock { page in emit(page.finish(key)) }
    }

    /// Says something that concerns them all, once for as long as it stays so.
    func announce(_ text: String) {
        page.withLock { page in emit(page.announce(text)) }
    }

    /// What was announced is not so any more.
    func withdraw() {
        page.withLock { $0.withdraw() }
    }

    func end() {
        page.withLock { page in emit(page.erase()) }
    }

    private func emit(_ text: String) {
        if !text.isEmpty { write(text) }
    }
}

/// What has been written of progress, and what has to be written next. A value without I/O.
struct ProgressPage {
    private var waiting: Set<ModelKey>
    private let width: Int?
    private let goal: WaitGoal
    /// What was last shown of each model.
    private var shown: [ModelKey: String] = [:]
    /// What was last said of them all.
    private var announced: String?
    /// The lines on the terminal that are ours: those above the cursor.
    private var drawn: [String] = []

    /// The most lines on a terminal: what has scrolled away cannot be written anew.
    private static let mostLines = 10

    init(_ keys: [ModelKey], width: Int?, for goal: WaitGoal = .ready) {
        waiting = Set(keys)
        self.width = width
        self.goal = goal
    }

    /// The bytes that show this.
    mutating func show(_ conditions: [(ModelKey, ModelCondition)]) -> String {
        let lines = conditions.filter { waiting.contains($0.0) }.compactMap { key, condition in
            text(of: condition).map { (key, "\(key): \($0)".printableLine) }
        }
        guard let width else {
            let news = lines.filter { shown[$0.0] != $0.1 }
            for (key, line) in news { shown[key] = line }
            return news.map { $0.1 + "\n" }.joined()
        }
        var texts = lines.prefix(Self.mostLines).map { $0.1.cut(to: width - 1) }
        if lines.count > texts.count { texts.append("… and \(lines.count - texts.count) more") }
        if texts == drawn { return "" }
        defer { drawn = texts }
        return erase() + texts.map { $0 + "\n" }.joined()
    }

    mutating func announce(_ text: String) -> String {
        guard announced != text else { return "" }
        announced = text
        return erase() + text + "\n"
    }

    mutating func withdraw() { announced = nil }

    mutating func finish(_ key: ModelKey) -> String {
        waiting.remove(key)
        return erase()
    }

    /// Takes what is ours off the terminal.
    mutating func erase() -> String {
        defer { drawn = [] }
        return drawn.isEmpty ? "" : "\u{1B}[\(drawn.count)A\r\u{1B}[J"
    }

    /// `nil` for states that a wait ends with: that is said at its end.
    private func text(of condition: ModelCondition) -> String? {
        if goal != .ready { return condition.sentence }
        switch condition.state {
        case .pulling: return condition.reason ?? condition.state.rawValue
        case .ready: return condition.reason
        case .pending, .starting, .unhealthy, .draining, .stopping, .backoff, .unknown:
            return condition.sentence
        case .standby, .failed, .held, .remote: return nil
        }
    }
}

extension String {
    fileprivate func cut(to width: Int) -> String {
        count > width ? prefix(max(width - 1, 0)) + "…" : self
    }
}
