import ArgumentParser
import ControlPlane
import ModelCore
import Reconciler
import StateStore
import Synchronization

/// `--wait` and how long.
struct WaitOptions: ParsableArguments {
    @Flag(help: "Wait until it is so, or cannot become so.")
    var wait = false

    @Option(help: "How many seconds to wait.")
    var timeout = usualTimeout

    /// What a load may take by default, in seconds.
    static let usualTimeout = 600

    func validate() throws { try Self.check(timeout) }

    static func check(_ timeout: Int) throws {
        guard timeout >= 0 else { throw ValidationError("--timeout must not be negative") }
    }

    /// Waits for `goal` where asked to, and says what came of it.
    func run(_ goal: WaitGoal, of key: ModelKey, in state: StateOptions) async throws {
        guard wait else { return }
        try await Waiter(state: state, timeout: .seconds(timeout), says: Console.print).wait(for: goal, of: [key])
    }
}

/// Waits for models, all at once, and shows on standard error how far they are.
struct Waiter: Sendable {
    private let client: AdminClient
    private let directory: String
    private let deadline: ContinuousClock.Instant
    private let says: @Sendable (String) -> Void

    /// How often is looked how far they are.
    private static let look: Duration = .milliseconds(500)
    /// How many are waited for at once; each takes a connection to the daemon.
    private static let mostAtOnce = 64
    /// How long a daemon that went away meanwhile is given to come back: one that is restarted, by hand or by a service
    /// manager, is back within seconds, and its models lived on.
    static let longestAbsence: Duration = .seconds(30)
    /// How long a daemon may take to say that it is there; one that is stuck does not.
    private static let patience: Duration = .seconds(5)
    /// How often it is looked whether it is back.
    private static let pause: Duration = .milliseconds(200)

    /// - Parameters:
    ///   - timeout: for all of them together, from now on.
    ///   - says: where to tell of each that has come there.
    init(state: StateOptions, timeout: Duration, says: @escaping @Sendable (String) -> Void) {
        client = state.client
        directory = state.directory
        deadline = .now + timeout
        self.says = says
    }

    /// Returns once all have reached `goal`; throws with the first that cannot reach it by itself.
    /// - Parameter hopeless: what else ends the wait: why that model is not to be waited for any longer.
    func wait(
        for goal: WaitGoal, of keys: [ModelKey], hopeless: @escaping @Sendable (ModelSnapshot) -> String? = { _ in nil }
    ) async throws {
        let progress = WaitProgress(keys, width: Console.errorWidth, for: goal)
        defer { progress.end() }
        let wanted = Set(keys)
        let unasked = Unasked(wanted)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                try await show(progress, goal) { snapshot in
                    for entry in snapshot.models where wanted.contains(entry.model.key) {
                        if let why = hopeless(entry) { throw CommandFailure("\(entry.model.key) \(why)") }
                        // Of the others the daemon says so itself.
                        guard unasked.contains(entry.model.key) else { continue }
                        try AwaitedModel(entry).checkIsPossible(goal)
                    }
                }
                return false
            }
            var rest = keys[...]
            for _ in 0..<Self.mostAtOnce { ask(&group, of: rest.popFirst(), unasked, goal, progress) }
            var count = keys.count
            while count > 0, try await group.next() == true {
                count -= 1
                ask(&group, of: rest.popFirst(), unasked, goal, progress)
            }
        }
    }

    private func ask(
        _ group: inout ThrowingTaskGroup<Bool, any Error>, of key: ModelKey?, _ unasked: Unasked, _ goal: WaitGoal,
        _ progress: WaitProgress
    ) {
        guard let key else { return }
        unasked.remove(key)
        group.addTask { try await wait(for: goal, of: key, progress) }
    }

    /// Whether a daemon listens, or has taken the state and is about to.
    var isAnybodyThere: Bool {
        get async {
            do throws(ClientError) {
                _ = try await client.about(within: Self.patience)
                return true
            } catch {
                return error != .noDaemon || StateLock.holder(at: StateDirectory(directory)) != nil
            }
        }
    }

    private func wait(
        for goal: WaitGoal, of key: ModelKey, _ progress: WaitProgress
    ) async throws -> Bool {
        let outcome = try await outcome(of: goal, key, progress)
        progress.finish(key)
        if let why = outcome.impossible {
            throw CommandFailure(outcome.condition.refusal(of: key, why))
        }
        guard outcome.reached else {
            throw CommandFailure(
                "the time is over: \(key) is \(outcome.condition.sentence)", status: ExitStatus.timedOut)
        }
        says("\(key) is \(goal.word(for: outcome.condition))")
        return true
    }

    /// What the daemon answers at the end of the wait, also where it is restarted meanwhile.
    private func outcome(
        of goal: WaitGoal, _ key: ModelKey, _ progress: WaitProgress
    ) async throws -> WaitOutcome {
        var absentSince: ContinuousClock.Instant?
        while true {
            do throws(ClientError) {
                let outcome = try await client.wait(for: goal, of: key, timeout: max(deadline - .now, .zero))
                // One that is being ended answers early, with neither.
                if outcome.reached || outcome.impossible != nil || .now >= deadline { return outcome }
                absentSince = nil
                progress.withdraw()
            } catch {
                // Cut short because another one ended the wait: the daemon has nothing to do with it.
                if Task.isCancelled { throw CancellationError() }
                if error == .timedOut, .now >= deadline { throw try stuck(key) }
                guard error.isAbsence else { throw CommandFailure(error, directory: directory) }
                let since = absentSince ?? .now
                absentSince = since
                if let outcome = try outcomeWithoutDaemon(of: goal, key, since) { return outcome }
                progress.announce("modelet does not answer: it has ended, or is starting; waiting for it")
            }
            try await Task.sleep(for: Self.pause)
        }
    }

    /// Judges by the database while no daemon answers; `nil` where there may soon be one.
    private func outcomeWithoutDaemon(
        of goal: WaitGoal, _ key: ModelKey, _ since: ContinuousClock.Instant
    ) throws -> WaitOutcome? {
        let isOver = ContinuousClock.now >= deadline
        // Whoever holds the state is about to listen, or about to have stopped everything.
        guard isOver || StateLock.holder(at: StateDirectory(directory)) == nil else { return nil }
        let awaited = try recorded(key)
        let now = SystemTime().now()
        let condition = awaited.condition(at: now)
        if isOver { return WaitOutcome(condition: condition, reached: false) }
        // Without a daemon nothing answers predictions.
        if goal != .ready, awaited.verdict(on: goal, at: now) == .reached {
            return WaitOutcome(condition: condition, reached: true)
        }
        guard .now - since >= Self.longestAbsence else { return nil }
        throw CommandFailure(
            "modelet has ended, and did not come back within \(Self.longestAbsence.components.seconds) s: "
                + "\(key) is recorded as \(condition.sentence)")
    }

    /// What is said when the time is over and the daemon, which is there, has not said so.
    private func stuck(_ key: ModelKey) throws -> CommandFailure {
        CommandFailure(
            "the time is over, and modelet does not answer: \(key) is recorded as "
                + (try recorded(key)).condition(at: SystemTime().now()).sentence, status: ExitStatus.timedOut)
    }

    private func recorded(_ key: ModelKey) throws -> AwaitedModel {
        let entry = try readState(directory)?.models.first { $0.model.key == key }
        return AwaitedModel(key: key, entry)
    }

    /// Reads the state again and again, until cancelled: of all that is written, most is about other models, and a
    /// person cannot read faster.
    /// - Parameter look: is given each state that is read, and ends everything by throwing.
    private func show(
        _ progress: WaitProgress, _ goal: WaitGoal, look: (StateSnapshot) throws -> Void
    ) async throws {
        let directory = StateDirectory(directory)
        let reader = StateReader(directory)
        var last: DatabaseStamp?
        repeat {
            let stamp = DatabaseStamp(directory)
            if stamp.isSettled, stamp == last { continue }
            // What cannot be read now is shown later, or not at all: the wait does not depend on it.
            guard let snapshot = try? reader.snapshot() else { continue }
            last = stamp
            let now = SystemTime().now()
            progress.show(snapshot.models.map { ($0.model.key, $0.progress(to: goal, at: now)) })
            try look(snapshot)
        } while (try? await Task.sleep(for: Self.look)) != nil
    }
}

/// Models that the daemon has not been asked about yet.
private final class Unasked: Sendable {
    private let keys: Mutex<Set<ModelKey>>

    init(_ keys: Set<ModelKey>) { self.keys = Mutex(keys) }

    func contains(_ key: ModelKey) -> Bool { keys.withLock { $0.contains(key) } }

    func remove(_ key: ModelKey) { keys.withLock { _ = $0.remove(key) } }
}

extension ModelSnapshot {
    /// Its condition; where it is to go and is still defined, with what defines it.
    fileprivate func progress(to goal: WaitGoal, at now: Timestamp) -> ModelCondition {
        let condition = condition(at: now)
        guard goal == .gone, !model.isRemoved else { return condition }
        return ModelCondition(condition.state, "\(model.root)/\(model.file) still defines it")
    }
}

extension AwaitedModel {
    /// A model by what is recorded of it.
    init(_ entry: ModelSnapshot) { self.init(key: entry.model.key, entry) }

    /// - Parameter entry: `nil` where there is no such model.
    init(key: ModelKey, _ entry: ModelSnapshot?) {
        self.init(key: key, model: entry?.model, instances: entry?.instances ?? [], mayMakeRoom: false)
    }

    /// Throws where it cannot become `goal` by itself.
    fileprivate func checkIsPossible(_ goal: WaitGoal) throws(CommandFailure) {
        // Whether one may have to make room, and so comes to stand by, is for the daemon to say.
        guard goal != .standby else { return }
        let now = SystemTime().now()
        guard case .impossible(let why) = verdict(on: goal, at: now) else { return }
        throw CommandFailure(condition(at: now).refusal(of: key, why))
    }
}

extension ModelCondition {
    /// What is said of a model that cannot become by itself what is waited for.
    func refusal(of key: ModelKey, _ why: String) -> String { "\(key) is \(state.rawValue): \(why)" }
}

extension ClientError {
    /// Whether it says no more than that the daemon has gone.
    fileprivate var isAbsence: Bool {
        switch self {
        case .noDaemon, .transport: true
        case .api(_, let code, _): code == "shutting_down"
        case .timedOut, .badReply: false
        }
    }
}
