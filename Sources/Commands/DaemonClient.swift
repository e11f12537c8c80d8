import ArgumentParser
import ControlPlane
import Glibc
import ModelCore
import Reconciler
import StateStore

extension StateOptions {
    /// The admin API of the daemon that holds this state directory.
    var client: AdminClient { AdminClient(socket: StateDirectory(directory).socket) }
}

/// Calls the daemon; what it refuses becomes a sentence for the user.
/// - Parameter state: the state directory, for the message where nobody listens.
func asking<Reply>(
    _ state: StateOptions, _ call: (AdminClient) async throws(ClientError) -> Reply
) async throws -> Reply {
    do throws(ClientError) {
        return try await call(state.client)
    } catch {
        throw CommandFailure(error, directory: state.directory)
    }
}

extension CommandFailure {
    init(_ error: ClientError, directory: String) {
        switch error {
        case .noDaemon:
            self.init("no modelet is running on \(directory); start one with `modelet serve --state \(directory)`")
        case .api(_, _, let message), .transport(let message):
            self.init(message)
        case .timedOut:
            self.init("modelet did not answer in time", status: ExitStatus.timedOut)
        }
    }
}

/// Who asks, for the journal: the user of this terminal.
var operatorName: String {
    environment("SUDO_USER") ?? environment("USER") ?? environment("LOGNAME") ?? "uid \(getuid())"
}

/// A model as an argument: `domain/source[/model]`.
struct ModelArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The model: domain/source, or domain/source/model.", valueName: "model"))
    var name: String

    func key() throws -> ModelKey {
        guard let key = ModelKey(name) else {
            throw CommandFailure(
                "'\(name)' is not a model; write domain/source or domain/source/model", status: ExitStatus.usage)
        }
        return key
    }
}

/// `--wait` and how long.
struct WaitOptions: ParsableArguments {
    @Flag(help: "Wait until it is so, or cannot become so.")
    var wait = false

    @Option(help: "How many seconds to wait.")
    var timeout = 600

    /// Waits for `goal` where asked to, and says what came of it.
    func run(_ goal: WaitGoal, of key: ModelKey, in state: StateOptions) async throws {
        guard wait else { return }
        let start = ContinuousClock.now
        let result = try await asking(state) { client throws(ClientError) in
            try await client.wait(for: goal, of: key, timeout: .seconds(timeout))
        }
        let word = result.condition.state.rawValue
        if result.reached {
            Console.print("\(key) is \(word)")
            return
        }
        let reason = result.condition.reason.map { ": \($0)" } ?? ""
        let isLate = ContinuousClock.now - start >= .seconds(timeout)
        throw CommandFailure(
            "\(key) is \(word)\(reason)", status: isLate ? ExitStatus.timedOut : ExitStatus.failed)
    }
}
