internal import GRDB
internal import ModelCore
internal import Reconciler

/// The fetching of a model's image, as the journal keeps it.
extension Journal {
    /// Announces it. Before the model says that it pulls.
    func openPull(of key: ModelKey, cause: String) throws {
        try db.execute(
            sql: "INSERT INTO operation (key, kind, cause, opened_at) VALUES (?, ?, ?, ?)",
            arguments: [key.description, OperationKind.pull.rawValue, cause, now.milliseconds])
        try pruneOperations()
    }

    /// Records what became of it, and says so. After the model has ceased to say that it pulls.
    /// - Parameter change: what ended it.
    func closePull(_ last: PullProgress, of key: ModelKey, by change: StateChange) throws {
        switch change {
        case .pulled(_, .succeeded(let latest)):
            let message = try success(of: latest ?? last, key)
            try closePull(of: key, .succeeded, message)
            try event("pulled", of: key, message)
        case .pulled(_, .failed(let reason)):
            try closePull(of: key, .failed, reason)
            try event("pull_failed", of: key, "\(last.image): \(reason)")
        case .loadFailed(_, _, let backoff, _):
            // The load's own event follows.
            try closePull(of: key, .failed, backoff.lastFailure.message)
        default:
            try closePull(of: key, .failed, nil)
        }
    }

    private static let openPulls = "key = ? AND kind = 'pull' AND closed_at IS NULL"

    private func closePull(of key: ModelKey, _ outcome: Outcome, _ message: String?) throws {
        try db.execute(
            sql: "UPDATE operation SET closed_at = ?, outcome = ?, message = ? WHERE \(Self.openPulls)",
            arguments: [now.milliseconds, outcome.rawValue, message, key.description])
    }

    /// How long it took, and how large what came was as far as that is known.
    private func success(of last: PullProgress, _ key: ModelKey) throws -> String {
        let opened = try Int64.fetchOne(
            db, sql: "SELECT opened_at FROM operation WHERE \(Self.openPulls)", arguments: [key.description])
        let took = max(.zero, now - Timestamp(milliseconds: opened ?? now.milliseconds))
        let size = last.totalBytes > 0 ? ", \(ByteCount(last.totalBytes))" : ""
        return "\(last.image) was pulled in \(took)\(size)"
    }
}
