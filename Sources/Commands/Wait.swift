import ArgumentParser
import ModelCore
import Reconciler
import StateStore

struct Wait: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Wait until models are ready, in standby, or gone.",
        discussion: """
            Ends with 0 once all are. Ends with 1, and says why, as soon as one of them cannot become so by itself: `ready` of \
            one that nobody demands, that is held, or has failed for good; `standby` of one that is always loaded, or that \
            nothing unloads. `gone` waits for a removal that is still to be made. Ends with 3 when the time is over. How far \
            they are is shown on standard error. Without a running modelet nothing changes: what is not so already fails.
            """)

    @Argument(help: ArgumentHelp("The models: domain/source, or domain/source/model.", valueName: "model"))
    var names: [String]
    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(
            "ready: answers predictions; standby: nothing of it runs; gone: removed, and nothing of it is left.",
            valueName: "goal"))
    var goal = WaitGoal.ready
    @Option(help: "How many seconds to wait.")
    var timeout = WaitOptions.usualTimeout
    @OptionGroup var state: StateOptions

    func validate() throws {
        guard !names.isEmpty else { throw ValidationError("name at least one model") }
        try WaitOptions.check(timeout)
    }

    func run() async throws {
        let snapshot = try readState(state.directory)
        var keys: [ModelKey] = []
        for key in try names.map({ try key(named: $0, in: snapshot) }) where !keys.contains(key) { keys.append(key) }
        let waiter = Waiter(state: state, timeout: .seconds(timeout), says: Console.print)
        if await waiter.isAnybodyThere {
            try await waiter.wait(for: goal, of: keys)
        } else {
            try judge(keys, in: snapshot)
        }
    }

    private func key(named name: String, in snapshot: StateSnapshot?) throws(CommandFailure) -> ModelKey {
        let key = try ModelArgument.parse(name: name)
        do throws(CommandFailure) {
            return try ModelArgument.model(named: name, key: key, among: snapshot?.models ?? []).model.key
        } catch {
            // What is not there is gone. A modelet that has not recorded anything yet has the say itself.
            if goal == .gone || snapshot == nil { return key }
            throw error
        }
    }

    /// Without a running modelet: what the database says is how it stays.
    private func judge(_ keys: [ModelKey], in snapshot: StateSnapshot?) throws {
        guard let snapshot else { throw CommandFailure(StateReader(StateDirectory(state.directory)).nothingHere) }
        let now = SystemTime().now()
        for key in keys {
            let entry = snapshot.models.first { $0.model.key == key }
            let verdict = StillLife(key: key, entry: entry, isRunning: RecordedProcess.isRunning)
                .verdict(on: goal, in: state.directory, at: now)
            switch verdict {
            case .so(let sentence): Console.print(sentence)
            case .notSo(let why): throw CommandFailure(why)
            }
        }
    }
}

extension WaitGoal: ExpressibleByArgument {}

/// A model while no modelet runs, as who waits for it sees it. Without I/O.
struct StillLife {
    enum Verdict: Hashable {
        case so(String)
        case notSo(String)
    }

    let key: ModelKey
    /// `nil` where there is no such model.
    let entry: ModelSnapshot?
    /// Whether the process of an instance is there; `nil` where that cannot be told.
    let isRunning: (InstanceRecord) -> Bool?

    func verdict(on goal: WaitGoal, in directory: String, at now: Timestamp) -> Verdict {
        let awaited = AwaitedModel(key: key, entry)
        let condition = awaited.condition(at: now)
        let isSo = "\(key) is \(goal.word(for: condition)), as it was recorded"
        let nobody = "no modelet runs on \(directory), so nothing changes: \(key) is recorded as \(condition.sentence)"
        switch awaited.verdict(on: goal, at: now) {
        case .reached:
            if goal == .ready, let instance = entry?.instances.first(where: \.isRouted), isRunning(instance) == false {
                return .notSo("\(nobody), but its process has ended")
            }
            return .so(isSo)
        case .impossible(let why): return .notSo(condition.refusal(of: key, why))
        case .open: return .notSo(nobody)
        }
    }
}

extension WaitGoal {
    /// What is said of a model that has come there.
    func word(for condition: ModelCondition) -> String {
        self == .gone ? "gone" : condition.state.rawValue
    }
}

extension ModelCondition {
    /// The state, and the reason where there is one.
    var sentence: String { state.rawValue + (reason.map { ": \($0)" } ?? "") }
}
