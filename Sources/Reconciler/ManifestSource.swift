package import ModelCore

/// Where manifests come from.
package protocol ManifestSource: Sendable {
    /// Reads every manifest below `root`, an absolute path.
    ///
    /// Never throws: a root that cannot be read is a diagnostic and a broken file, so that nothing is removed for it.
    /// Blocks while it reads. Waits a moment, once, where a file may be half-written and only time can tell.
    func load(root: String) async -> ManifestSet

    /// Watches these roots, and no others, from now on. Returns at once.
    /// - Parameter trouble: is told what keeps something from being watched: a sentence, each once.
    func follow(_ roots: [String], trouble: @escaping @Sendable (String) -> Void)

    /// Yields when manifests of a followed root may have changed; a burst of changes is told once, when it is over. What
    /// changed is for ``load(root:)`` to find out. For one listener.
    var changes: AsyncStream<Void> { get }
}
