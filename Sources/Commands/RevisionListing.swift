import ModelCore
import StateStore

/// The revisions that one may go back to, the latest first.
struct RevisionListing {
    private let revisions: [RevisionRecord]
    private let roots: [RootSnapshot]

    init(_ revisions: [RevisionRecord], roots: [RootSnapshot]) {
        self.revisions = revisions.reversed()
        self.roots = roots
    }

    var lines: [String] {
        guard !revisions.isEmpty else { return ["no revisions yet: `modelet apply DIR` makes the first"] }
        let hasRoots = roots.count > 1
        var table = Table(["REVISION", "ACCEPTED"] + (hasRoots ? ["ROOT"] : []) + ["WHY", "CHANGES"])
        for revision in revisions {
            let cells = ["\(revision.number)\(mark(revision))", revision.acceptedAt.rfc3339ToTheSecond]
            table.add(
                cells + (hasRoots ? [revision.root.printable] : []) + [
                    revision.cause.isEmpty ? "-" : revision.cause.printable, changes(revision),
                ])
        }
        let pins = roots.compactMap { root in root.pin.map { PinText($0, root: root.path).sentence } }
        return table.lines + (pins.isEmpty ? [] : [""] + pins)
    }

    /// The latest of each root is what was last accepted; where a root is pinned, that revision is what is enforced.
    private func mark(_ revision: RevisionRecord) -> String {
        guard let root = roots.first(where: { $0.path == revision.root }) else { return "" }
        if let pin = root.pin { return pin.revision == revision.number ? " (pinned)" : "" }
        return root.revision == revision.number ? " (current)" : ""
    }

    /// Of few models what changed, of many how many did.
    private func changes(_ revision: RevisionRecord) -> String {
        if revision.changes.isEmpty { return "nothing" }
        guard revision.changes.count > Self.mostNamed else {
            return revision.changes.map { change in
                "\(change.action) \(change.key)" + (change.fields.isEmpty ? "" : " (\(Self.short(change.fields)))")
            }.joined(separator: ", ")
        }
        let counts = Dictionary(grouping: revision.changes, by: \.action).mapValues(\.count)
        return ["create", "replace", "update", "remove"].compactMap { action in
            counts[action].map { "\($0) \(action)" }
        }.joined(separator: ", ")
    }

    /// How many models are named of a revision.
    private static let mostNamed = 2
    /// How many characters of changed fields are shown of a model.
    private static let longestFields = 60

    private static func short(_ fields: String) -> String {
        let text = fields.printable
        return text.count > longestFields ? text.prefix(longestFields - 1) + "…" : text
    }
}

extension RevisionListing {
    struct Document: Encodable {
        struct Revision: Encodable {
            struct Change: Encodable {
                var key: ModelKey
                var action: String
                var fields: String
            }

            var revision: Int
            var root: String
            /// Milliseconds since 1970.
            var acceptedAt: Timestamp
            var cause: String
            var restored: Int?
            /// Whether its root is pinned at it.
            var pinned: Bool
            var changes: [Change]
        }

        let version = 1
        var revisions: [Revision]
    }

    /// For programs, in the same order.
    var document: Document {
        Document(
            revisions: revisions.map { revision in
                Document.Revision(
                    revision: revision.number, root: revision.root, acceptedAt: revision.acceptedAt,
                    cause: revision.cause, restored: revision.restored,
                    pinned: roots.contains { $0.path == revision.root && $0.pin?.revision == revision.number },
                    changes: revision.changes.map {
                        Document.Revision.Change(key: $0.key, action: $0.action, fields: $0.fields)
                    })
            })
    }
}
