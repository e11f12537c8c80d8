package import ModelCore

/// What there is to go back to.
package struct RevisionHistory: Sendable {
    /// In the order of their registration.
    package var roots: [String]
    package var pins: [String: RootPin]
    /// Those that can be told in full, oldest first.
    package var revisions: [RevisionRecord]

    package init(roots: [String], pins: [String: RootPin], revisions: [RevisionRecord]) {
        self.roots = roots
        self.pins = pins
        self.revisions = revisions
    }

    /// The numbers of a root's revisions, oldest first.
    package func numbers(of root: String) -> [Int] { revisions.filter { $0.root == root }.map(\.number) }

    package func latest(of root: String) -> Int? { numbers(of: root).last }

    /// The revision that says what is enforced: that which the root is pinned at, or the latest, or what that one went back
    /// to.
    func enforced(of root: String) -> Int? {
        guard var number = pins[root]?.revision ?? latest(of: root) else { return nil }
        // Each goes back to one before it, so this ends.
        while let restored = revisions.first(where: { $0.number == number })?.restored { number = restored }
        return number
    }

    /// `2, 5, 9`, the latest last; only some of many.
    fileprivate func list(of root: String) -> String {
        let numbers = numbers(of: root)
        if numbers.isEmpty { return "\(root) has none" }
        let shown = numbers.suffix(Self.mostNamed).map(String.init).joined(separator: ", ")
        return "those of \(root) are \(numbers.count > Self.mostNamed ? "…, " : "")\(shown)"
    }

    /// How many revisions a message names.
    private static let mostNamed = 10
}

/// The revision that an operator means.
package struct RollbackTarget: Hashable, Sendable {
    package var root: String
    package var revision: Int

    /// Throws ``ApplyError/refused(_:)`` where that is not clear, or where there is no such revision.
    package init(_ order: RollbackOrder, in history: RevisionHistory) throws(ApplyError) {
        if let root = order.root, !history.roots.contains(root) {
            throw .refused("\(root) is not followed: \(Self.following(history.roots))")
        }
        if let number = order.revision {
            try self.init(number, order.root, history)
        } else {
            try self.init(before: order.root, history)
        }
    }

    private init(_ number: Int, _ root: String?, _ history: RevisionHistory) throws(ApplyError) {
        guard let revision = history.revisions.first(where: { $0.number == number }) else {
            let known = (root.map { [$0] } ?? history.roots).map(history.list).joined(separator: "; ")
            // Numbers count over all roots, and none is left out.
            let isPast = number > 0 && number < (history.revisions.last?.number ?? 0)
            let what = isPast ? "revision \(number) is no longer kept" : "there is no revision \(number)"
            throw .refused(known.isEmpty ? "\(what): nothing has been applied yet" : "\(what): \(known)")
        }
        if let root, revision.root != root {
            throw .refused("revision \(number) is one of \(revision.root): \(history.list(of: root))")
        }
        self.init(root: revision.root, revision: number)
    }

    private init(before root: String?, _ history: RevisionHistory) throws(ApplyError) {
        guard let root = root ?? (history.roots.count == 1 ? history.roots.first : nil) else {
            throw .refused(
                history.roots.isEmpty
                    ? Self.following([]) : "which directory? Name it with --root: \(Self.following(history.roots))")
        }
        guard let enforced = history.enforced(of: root),
            let before = history.numbers(of: root).last(where: { $0 < enforced })
        else { throw .refused("there is no revision before that which is enforced: \(history.list(of: root))") }
        self.init(root: root, revision: before)
    }

    private init(root: String, revision: Int) {
        self.root = root
        self.revision = revision
    }

    private static func following(_ roots: [String]) -> String {
        roots.isEmpty
            ? "nothing has been applied yet, so there is nothing to go back to"
            : "those that are followed are \(roots.joined(separator: ", "))"
    }
}
