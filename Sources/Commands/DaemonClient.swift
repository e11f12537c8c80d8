import ArgumentParser
import ControlPlane
import Glibc
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
        case .api(_, _, let message), .transport(let message), .badReply(let message):
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
