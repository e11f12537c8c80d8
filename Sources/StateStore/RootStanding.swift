internal import ModelCore
internal import Reconciler

/// Who names a root, and whether that is so still.
package struct RootStanding: Hashable, Sendable {
    package var path: String
    package var isFollowed: Bool
    /// Whether `serve` names it.
    package var isServed: Bool
    /// Whether an operator has applied it beside the one that was served: then it is followed, whatever is served.
    package var isApplied: Bool
    package var isPinned: Bool
    /// Whether there are models that were defined in it last.
    package var hasModels: Bool
}

extension [RootStanding] {
    /// The roots in whose place `root` is named, or would be if it was applied now: those that lie in it, unless they are
    /// pinned; and whatever is not followed any more, where it is the one that `serve` names, or takes the place of that.
    func predecessors(of root: String) -> [String] {
        let isServed = contains { $0.isServed && $0.isFollowed && ($0.path == root || $0.givesWay(to: root)) }
        return filter { other in
            other.hasModels && (other.givesWay(to: root) || (isServed && !other.isFollowed && other.path != root))
        }.map(\.path)
    }

    /// The root that `serve` names where it is told `directory`: that one, or what is followed beside it and contains it, as
    /// with what is applied.
    func served(as directory: String) -> String {
        if contains(where: { $0.path == directory && $0.isFollowed }) { return directory }
        // What only `serve` names is followed no longer when that names another.
        let lasting = filter { $0.isFollowed && (!$0.isServed || $0.isApplied) }.map(\.path)
        return ManifestApplier.split(directory, roots: lasting).root
    }
}

extension RootStanding {
    /// Whether a root lies in `outer`, which contains it when it is applied. One that is pinned stays as it is, and by itself.
    func givesWay(to outer: String) -> Bool { !isPinned && relativePath(of: path, below: outer) != nil }
}
