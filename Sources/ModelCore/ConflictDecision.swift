/// Which of two definitions holds that contradict each other: see ``ManifestSet/decided(root:accepted:predecessors:)``.
struct ConflictDecision {
    private(set) var set: ManifestSet
    private let root: String
    private let ownRoots: Set<String>
    /// What is enforced of this root and of those in whose place it is named, by key.
    private let enforced: [ModelKey: ModelRecord]
    /// What is enforced anywhere and has a fixed port.
    private let holders: [(model: ModelRecord, port: PortClaim)]
    private let unreadable: BrokenPaths
    /// Files that were read and are good by themselves.
    private let good: Set<String>

    init(_ set: ManifestSet, root: String, accepted: [ModelRecord], ownRoots: Set<String>) {
        self.set = set
        self.root = root
        self.ownRoots = ownRoots
        let enforced = accepted.filter { !$0.isRemoved }
        self.enforced = Dictionary(
            enforced.filter { ownRoots.contains($0.root) }.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first }
        )
        good = Set(set.models.map(\.file))
        holders = enforced.compactMap { model in model.spec.source?.portClaim.map { (model, $0) } }
        unreadable = BrokenPaths(set.brokenFiles)
    }

    mutating func decide() {
        reportWhatIsBrokenAnyway()
        // Each round looks at what the one before has left; a file that is refused may hold up others.
        while true {
            let refusals = refusals()
            if refusals.isEmpty { break }
            let files = Set(refusals.map(\.file))
            set.brokenFiles = (set.brokenFiles + files).sorted()
            set.models.removeAll { files.contains($0.file) }
            set.diagnostics += Set(refusals)
        }
        set.conflicts = []
        set.diagnostics.sort { ($0.file, $0.line, $0.column, $0.message) < ($1.file, $1.line, $1.column, $1.message) }
    }

    /// Files that are broken for another reason take part in no decision, but who mends them should know it all.
    private mutating func reportWhatIsBrokenAnyway() {
        let broken = Set(set.brokenFiles)
        for side in set.conflicts.flatMap(\.sides) where broken.contains(side.file) {
            set.diagnostics.append(side.diagnostic)
        }
    }

    private func refusals() -> [Diagnostic] {
        let broken = Set(set.brokenFiles)
        let amongFiles = set.conflicts.flatMap { losers(of: $0, broken) }
        let againstWhatStays = set.models.compactMap { contradiction(of: $0, broken) }
        return amongFiles + againstWhatStays
    }

    private func losers(of conflict: ManifestConflict, _ broken: Set<String>) -> [Diagnostic] {
        let standing = conflict.sides.filter { !broken.contains($0.file) }
        guard standing.count > 1 else { return [] }
        let winners = winners(of: conflict.subject, among: standing)
        let holding = Set(winners)
        return standing.filter { !holding.contains($0) }.compactMap { side in
            guard standing.contains(where: { side.contradicts($0) }) else { return nil }
            var diagnostic = side.diagnostic
            if let winner = winners.first(where: { side.contradicts($0) }) {
                diagnostic.hint = "the definition in \(winner.file) is enforced, and stays; take this one away"
            }
            return diagnostic
        }
    }

    private func winners(
        of subject: ManifestConflict.Subject, among sides: [ManifestConflict.Side]
    ) -> [ManifestConflict.Side] {
        switch subject {
        case .key:
            let inPlace = sides.filter { side in enforced[side.key].map { $0.file(in: root) == side.file } ?? false }
            if !inPlace.isEmpty { return inPlace }
            // The file that defined it does so no longer: the one that it was moved to says the same.
            let same = sides.filter { side in
                set.models.contains { $0.key == side.key && $0.file == side.file && isEnforced($0) }
            }
            return same.count == 1 ? same : []
        case .port:
            return sides.filter { side in
                guard let port = side.port else { return false }
                return enforced[side.key]?.spec.source?.portClaim?.overlaps(port) ?? false
            }
        }
    }

    private func isEnforced(_ model: ManifestModel) -> Bool {
        guard let known = enforced[model.key] else { return false }
        return known.spec.withoutDefaults == model.spec.withoutDefaults
    }

    /// Why a definition cannot hold beside what is enforced and cannot be read now, or belongs to another root.
    private func contradiction(of model: ManifestModel, _ broken: Set<String>) -> Diagnostic? {
        if let known = enforced[model.key], isHeldByBrokenFile(known, broken), !isEnforced(model) {
            let file = known.file(in: root) ?? known.file
            return Diagnostic(
                .error, file: model.file, line: model.line,
                message: "\(model.key) is enforced as \(file) last defined it, and that file is broken now",
                hint: "mend \(file), or take \(model.key) out of it")
        }
        guard let port = model.spec.source?.portClaim else { return nil }
        // Who has the port already does not lose it.
        if let own = enforced[model.key]?.spec.source?.portClaim, own == port { return nil }
        let holder = holders.first { holder in
            holder.model.key != model.key && holder.port.overlaps(port)
                && (!ownRoots.contains(holder.model.root) || isHeldByBrokenFile(holder.model, broken))
        }
        guard let holder = holder?.model else { return nil }
        let place = holder.root == root ? holder.file : "\(holder.root)/\(holder.file)"
        return Diagnostic(
            .error, file: model.file, line: model.line,
            message:
                "port \(port.number) of \(model.key) is also the port of \(holder.key) (\(place)), which is enforced",
            hint: "give one of them another port, or leave it out to have one allocated")
    }

    /// Whether what is enforced was last defined by a file that is broken, or refused, or that could not be read.
    private func isHeldByBrokenFile(_ known: ModelRecord, _ broken: Set<String>) -> Bool {
        guard ownRoots.contains(known.root), let file = known.file(in: root) else { return false }
        // Of a folder that is broken files may have been read all the same: of a root with too many, or never at rest.
        return broken.contains(file) || (unreadable.contains(file) && !good.contains(file))
    }
}

/// Files that are broken, also because a folder that they lie in cannot be read.
private struct BrokenPaths {
    private let names: Set<String>

    init(_ brokenFiles: [String]) {
        names = Set(brokenFiles)
    }

    func contains(_ file: String) -> Bool {
        if names.isEmpty { return false }
        if names.contains(".") || names.contains(file) { return true }
        return file.split(separator: "/").first.map { names.contains(String($0)) } ?? false
    }
}
