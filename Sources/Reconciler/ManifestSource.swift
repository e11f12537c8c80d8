package import ModelCore

/// Where manifests come from.
package protocol ManifestSource: Sendable {
    /// Reads every manifest below `root`, an absolute path.
    ///
    /// Never throws: a root that cannot be read is a diagnostic and a broken file, so that nothing is removed for it.
    /// Blocks while it reads.
    func load(root: String) -> ManifestSet
}
