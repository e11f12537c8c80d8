package import ModelCore

/// Reads the manifests of a root and accepts what is good, or goes back to what was accepted before: the only ways by
/// which desired state changes.
package struct ManifestApplier: Sendable {
    let store: any InstanceStore
    let manifests: any ManifestSource

    package init(store: any InstanceStore, manifests: any ManifestSource) {
        self.store = store
        self.manifests = manifests
    }

    /// Applies `directory`: a root, a new one or one of old, or a directory or a file inside a registered root, of which
    /// then only what lies in that directory, or is defined in that file, is applied.
    ///
    /// What an operator applies unpins the root. What was only ``RevisionCause/edited`` changes nothing of a pinned root:
    /// it is remembered as pending.
    /// - Parameter follows: whether a new root is registered even while nothing in it can be read. Without it, a
    ///   mistyped directory leaves no trace.
    package func apply(
        directory: String, removalGuard: RemovalGuard, cause: RevisionCause = .edited, follows: Bool = false,
        at time: Timestamp
    ) async throws(ApplyError) -> ApplyReport {
        let look = try await look(at: directory, removalGuard, isThorough: cause != .edited, now: time)
        if cause == .edited, look.pin != nil { return try await notePending(look, at: time) }
        try look.plan.checkMayUnpin(look.pin)
        var report = look.report
        // Where nothing can be read, neither is a mistyped directory followed, nor what is enforced given up.
        let isRefused = look.isUnreadable && (look.pin != nil || !(follows || look.isKnown))
        guard !isRefused else {
            report.pin = look.pin
            return report
        }
        let root = look.plan.root
        do throws(StoreError) {
            report.revision = try await store.accept(look.acceptance, root: root, cause: cause, at: time)
            report.isAccepted = true
            try await store.note(look.notes, root: root, at: time)
        } catch {
            // What was accepted has to be acted on, whatever could not be written after it. The next reading finds and notes
            // the same; what is held back, which it would judge anew, was written with what was accepted.
            guard report.isAccepted, !look.acceptance.isEmpty else { throw .store(error) }
        }
        report.unpins = look.pin
        return report
    }

    /// What applying a set would do: the one answer of `plan` and of `apply`. Pure.
    package static func assess(
        _ set: ManifestSet, root: String, scope: String?, accepted: [ModelRecord], predecessors: [String] = [],
        guard removalGuard: RemovalGuard
    ) -> Assessment {
        let decided = set.decided(root: root, accepted: accepted, predecessors: predecessors)
        let set = decided.set
        var acceptance = judge(decided, guard: removalGuard)
        var assessment = Assessment(
            acceptance: acceptance, notes: ManifestNotes(set, acceptance),
            brokenFiles: set.brokenFiles, diagnostics: set.diagnostics)
        let refused = set.models.filter { acceptance.refused.contains($0.key) }
        let owners = Dictionary(accepted.map { ($0.key, $0.root) }, uniquingKeysWith: { first, _ in first })
        assessment.diagnostics += refused.map { ownedElsewhere($0, by: owners[$0.key]) }
        guard let scope else { return assessment }
        acceptance.narrow(to: scope, of: decided)
        assessment.acceptance = acceptance
        assessment.notes = ManifestNotes(set, acceptance)
        assessment.brokenFiles.removeAll { !concerns($0, scope) }
        assessment.diagnostics.removeAll { !concerns($0.file, scope) }
        let isKnown =
            set.models.contains { isMeant($0.file, by: scope) }
            || accepted.contains { model in
                decided.ownRoots.contains(model.root) && model.file(in: root).map { isMeant($0, by: scope) } ?? false
            }
        if !isKnown, assessment.brokenFiles.isEmpty, assessment.diagnostics.isEmpty {
            // A slip of the hand, most likely: nobody should take "no changes" for an answer.
            assessment.brokenFiles = [scope]
            assessment.diagnostics = [
                Diagnostic(
                    .error, file: scope, message: "no model is defined here, and none that is enforced was",
                    hint:
                        "name a manifest, or a folder that has some; `modelet apply \(shellWord(root))` applies all of them"
                )
            ]
        }
        return assessment
    }

    /// Whether a file, relative to its root, is what `scope` means: a file or a folder; `nil`: all of the root.
    package static func isMeant(_ file: String, by scope: String?) -> Bool {
        scope.map { isWithin(file, $0) } ?? true
    }

    /// Whether what is wrong with a file or folder is wrong with what `scope` means.
    private static func concerns(_ path: String, _ scope: String) -> Bool {
        path == "." || isWithin(path, scope) || isWithin(scope, path)
    }

    package struct Assessment: Sendable {
        package var acceptance: Acceptance
        /// What is to be remembered beside it.
        package var notes = ManifestNotes()
        package var brokenFiles: [String]
        package var diagnostics: [Diagnostic]
    }

    /// The registered root that `directory` is or lies in, and the part of it that is meant.
    package static func split(_ directory: String, roots: [String]) -> (root: String, scope: String?) {
        let outer = roots.filter { isWithin(directory, $0) }.max { $0.utf8.count < $1.utf8.count }
        return (outer ?? directory, outer.flatMap { relativePath(of: directory, below: $0) })
    }

    private static func ownedElsewhere(_ model: ManifestModel, by owner: String?) -> Diagnostic {
        Diagnostic(
            .error, file: model.file, line: model.line,
            message:
                "\(model.key) is already defined by another root\(owner.map { ", \($0)" } ?? ""); that definition stays",
            hint: "remove it there first, or give this one another name")
    }
}

/// Why manifests were not applied, or a revision not gone back to.
package enum ApplyError: Error, Hashable, Sendable {
    case store(StoreError)
    /// It makes no sense as things are: a sentence.
    case refused(String)
}

extension Acceptance {
    /// Keeps only what concerns `scope`, a file or folder, relative to the root.
    fileprivate mutating func narrow(to scope: String, of decided: DecidedSet) {
        func isElsewhere(_ file: String?) -> Bool { !(file.map { ManifestApplier.isMeant($0, by: scope) } ?? false) }
        let files = Dictionary(
            decided.accepted.filter { decided.ownRoots.contains($0.root) }.compactMap { model in
                model.file(in: decided.root).map { (model.key, $0) }
            }, uniquingKeysWith: { first, _ in first })
        changes.removeAll { isElsewhere($0.model.file) }
        removals.removeAll { isElsewhere(files[$0]) }
        heldRemovals.removeAll { isElsewhere(files[$0]) }
        releasedRemovals.removeAll { isElsewhere(files[$0]) }
        moves.removeAll { isElsewhere($0.file) }
    }
}
