import ArgumentParser
import ControlPlane
import ModelCore
import Reconciler
import StateStore

struct Explain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show why a model is as it is.",
        discussion: """
            What is desired and where that is written, what is observed, what modelet decides and on which grounds, what it \
            waits for and until when, what it did last, and what you can do. A running modelet is asked what it sees now; \
            without one, or where it does not answer, the database alone is judged, and that is said.
            """)

    @OptionGroup var model: ModelArgument
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    /// How long a modelet may take to say what it sees; the database has to do for one that is stuck.
    private static let patience: Duration = .seconds(5)

    func run() async throws {
        let explanation = try await explanation()
        switch output.format {
        case .table: ExplainText(explanation).lines.forEach(Console.print)
        case .json: Console.print(output.document(ExplainReport(explanation)))
        }
    }

    private func explanation() async throws -> Explanation {
        let key = try model.key()
        let (snapshot, past) = try read(key)
        let entry = try ModelArgument.model(named: model.name, key: key, among: snapshot.models)
        let daemon = await ask(about: entry.model.key, controller: snapshot.controller)
        var explanation = Explanation(
            entry: entry, daemon: daemon, operations: past.operations, fault: snapshot.fault(of: entry.model),
            lastReady: past.lastReady, servedRoot: snapshot.roots.first(where: \.isServed)?.path,
            stateOption: state.spelledOut, now: SystemTime().now())
        if case .absent = daemon {
            for instance in entry.instances {
                explanation.isRunning[instance.id] = RecordedProcess.isRunning(instance)
            }
        }
        return explanation
    }

    private func read(_ key: ModelKey) throws -> (state: StateSnapshot, past: ModelPast) {
        let reader = StateReader(StateDirectory(state.directory))
        do throws(StoreError) {
            let found = try reader.snapshot(withLatest: Explanation.shownOperations) { models in
                (try? ModelArgument.model(named: model.name, key: key, among: models))?.model.key
            }
            if let found { return found }
        } catch {
            throw CommandFailure(error)
        }
        throw CommandFailure(reader.nothingHere)
    }

    private func ask(about key: ModelKey, controller: StateLock.Holder?) async -> Explanation.Daemon {
        do throws(ClientError) {
            return .answered(pid: controller?.pid, try await state.client.view(of: key, within: Self.patience))
        } catch .noDaemon {
            // Whoever holds the state and does not listen is about to begin, or at its end.
            return controller.map { .silent(pid: $0.pid, "it does not listen") } ?? .absent
        } catch {
            return .silent(pid: controller?.pid, CommandFailure(error, directory: state.directory).message)
        }
    }
}
