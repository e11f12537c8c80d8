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
    var timeout = 600

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
    private let timeout: Duration
    private let says: @Sendable (String) -> Void

    /// How often is looked how far they are.
    private static let look: Duration = .milliseconds(500)
    /// How many are waited for at once; each takes a connection to the daemon.
    private static let mostAtOnce = 64

    /// - Parameters:
    ///   - timeout: for all of them together.
    ///   - says: where to tell of each that has come there.
    init(state: StateOptions, timeout: Duration, says: @escaping @Sendable (String) -> Void) {
        client = state.client
        directory = state.directory
        self.timeout = timeout
        self.says = says
    }

    /// Returns once all have reached `goal`; throws with the first that cannot reach it by itself.
    func wait(for goal: WaitGoal, of keys: [ModelKey]) async throws {
        let progress = WaitProgress(keys, width: Console.errorWidth)
        defer { progress.end() }
        let deadline = ContinuousClock.now + timeout
        try await withThrowingTaskGroup(of: Bool.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                await show(progress)
                return false
            }
            var rest = keys[...]
            for key in rest.prefix(Self.mostAtOnce) {
                group.addTask { try await wait(for: goal, of: key, deadline, progress) }
            }
            rest = rest.dropFirst(Self.mostAtOnce)
            var count = keys.count
            while count > 0, try await group.next() == true {
                count -= 1
                guard let key = rest.popFirst() else { continue }
                group.addTask { try await wait(for: goal, of: key, deadline, progress) }
            }
        }
    }

    private func wait(
        for goal: WaitGoal, of key: ModelKey, _ deadline: ContinuousClock.Instant, _ progress: WaitProgress
    ) async throws -> Bool {
        let left = max(deadline - .now, .zero)
        let result: (condition: ModelCondition, reached: Bool)
        do throws(ClientError) {
            result = try await client.wait(for: goal, of: key, timeout: left)
        } catch {
            throw CommandFailure(error, directory: directory)
        }
        let word = result.condition.state.rawValue
        progress.finish(key)
        guard result.reached else {
            let reason = result.condition.reason.map { ": \($0)" } ?? ""
            throw CommandFailure(
                "\(key) is \(word)\(reason)", status: .now >= deadline ? ExitStatus.timedOut : ExitStatus.failed)
        }
        says("\(key) is \(word)")
        return true
    }

    /// Reads the state again and again, until cancelled.
    private func show(_ progress: WaitProgress) async {
        let reader = StateReader(StateDirectory(directory))
        repeat {
            // What cannot be read now is shown later, or not at all: the wait does not depend on it.
            guard let snapshot = try? reader.snapshot() else { continue }
            let now = SystemTime().now()
            progress.show(snapshot.models.map { ($0.model.key, $0.condition(at: now)) })
        } while (try? await Task.sleep(for: Self.look)) != nil
    }
}
