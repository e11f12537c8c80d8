import Hummingbird
import ModelCore
package import Reconciler

/// The body of `rollback`.
struct RollbackAsk: AdminBody {
    /// The directory of manifests; absent: that of `revision`, or the only one.
    var root: String?
    /// Absent: the one before what is enforced.
    var revision: Int?
    var prune: Bool
    var allowEmpty: Bool
    /// Tell only what it would do.
    var isDryRun: Bool
    var by: String

    enum CodingKeys: String, CodingKey, CaseIterable {
        case root, revision, prune
        case allowEmpty = "allow_empty"
        case isDryRun = "dry_run"
        case by
    }

    init(_ order: RollbackOrder) {
        root = order.root
        revision = order.revision
        prune = order.removalGuard.prune
        allowEmpty = order.removalGuard.allowEmpty
        isDryRun = order.isDryRun
        by = order.by
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        root = try container.decodeIfPresent(String.self, forKey: .root)
        revision = try container.decodeIfPresent(Int.self, forKey: .revision)
        prune = try container.decodeIfPresent(Bool.self, forKey: .prune) ?? false
        allowEmpty = try container.decodeIfPresent(Bool.self, forKey: .allowEmpty) ?? false
        isDryRun = try container.decodeIfPresent(Bool.self, forKey: .isDryRun) ?? false
        by = try Requester(container, .by).name
        if let root { try checkRoot(root) }
    }

    var order: RollbackOrder {
        RollbackOrder(
            root: root, revision: revision, removalGuard: RemovalGuard(prune: prune, allowEmpty: allowEmpty), by: by,
            isDryRun: isDryRun)
    }
}

/// `POST /v1/rollback`
func addRollback(to group: RouterGroup<AdminContext>, _ surface: any ControlSurface) {
    group.post("rollback") { request, _ in
        let ask = try await request.body.decode(RollbackAsk.self)
        return try json(ApplyReply(await surface.rollback(ask.order)))
    }
}

extension AdminClient {
    /// Maps to `POST /v1/rollback`.
    package func rollback(_ order: RollbackOrder) async throws(ClientError) -> ApplyReport {
        try await post("/v1/rollback", RollbackAsk(order), ApplyReply.self, within: Self.longestApply).report
    }
}
