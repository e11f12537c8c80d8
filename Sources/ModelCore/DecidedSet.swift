/// What the manifests of a root say once it is decided which of two files is right, and what is enforced beside it.
package struct DecidedSet: Sendable {
    /// Without conflicts: a file that has lost one is broken.
    package let set: ManifestSet
    package let root: String
    /// The models of every root.
    package let accepted: [ModelRecord]
    /// The root, and those in whose place it is named.
    package let ownRoots: Set<String>

    fileprivate init(set: ManifestSet, root: String, accepted: [ModelRecord], ownRoots: Set<String>) {
        self.set = set
        self.root = root
        self.accepted = accepted
        self.ownRoots = ownRoots
    }
}

extension ManifestSet {
    /// The set with its conflicts decided: the definition that is enforced already holds, and every file with another one
    /// is refused as a whole, as a broken one is. Where none is enforced, all are refused.
    ///
    /// What a file that is broken or refused last defined stays enforced; so a definition of the same key in another file,
    /// unless it says the same, and a claim of the same port are conflicts, too. Pure.
    /// - Parameters:
    ///   - accepted: the models of every root.
    ///   - predecessors: roots that nobody names any more, in whose place this one is named: what is enforced of them is
    ///     looked upon as this one's.
    package func decided(root: String, accepted: [ModelRecord], predecessors: [String] = []) -> DecidedSet {
        let ownRoots = Set(predecessors + [root])
        var decision = ConflictDecision(self, root: root, accepted: accepted, ownRoots: ownRoots)
        decision.decide()
        return DecidedSet(set: decision.set, root: root, accepted: accepted, ownRoots: ownRoots)
    }
}

extension ModelRecord {
    /// The file that defines it as seen from `root`, which is its own, or is named in the place of that; `nil` where it does
    /// not lie there. Where neither lies in the other it is the one of the same name: a directory was moved as a whole.
    package func file(in root: String) -> String? {
        if self.root == root { return file }
        if let folder = relativePath(of: self.root, below: root) { return "\(folder)/\(file)" }
        if let folder = relativePath(of: root, below: self.root) { return relativePath(of: file, below: folder) }
        return file
    }
}
