/// An image's name that has come to stand for another image than the one that runs.
package struct Drift: Hashable, Sendable, CustomStringConvertible {
    /// What runs, as ``InstanceRecord/image``.
    package var running: String
    /// What the name stands for now, in the same terms.
    package var current: String
    /// What to do about it: a clause.
    package var remedy: String

    /// - Parameter instances: its live instances, oldest first.
    package init?(of model: ModelRecord, instances: [InstanceRecord]) {
        guard let instance = instances.principal, instance.phase.isCurrent else { return nil }
        self.init(of: model, running: instance)
    }

    init?(of model: ModelRecord, running instance: InstanceRecord) {
        guard let current = model.drift, let running = instance.image, current != running else { return nil }
        self.running = running
        self.current = current
        remedy = Self.remedy(for: model, current: current)
    }

    /// `image: sha256:0123456789ab… → sha256:ba9876543210…`
    package var description: String { "image: \(Self.short(running)) → \(Self.short(current))" }

    /// As `status` tells it.
    package var sentence: String { "image has moved: \(Self.short(running)) → \(Self.short(current)); \(remedy)" }

    /// Hexadecimal digits of a digest that are shown: as many as Docker shows.
    private static let shownDigits = 12

    /// The digest alone, cut short. What has none stays as it is.
    private static func short(_ image: String) -> String {
        let digest = image.split(separator: "@").last.map(String.init) ?? image
        guard let colon = digest.firstIndex(of: ":") else { return digest }
        let digits = digest[digest.index(after: colon)...]
        return digits.count > shownDigits ? "\(digest[...colon])\(digits.prefix(shownDigits))…" : digest
    }

    /// Only what really helps: a restart takes what the name stands for on this host, and `pull: missing` fetches nothing
    /// as long as that is anything.
    private static func remedy(for model: ModelRecord, current: String) -> String {
        let restart = "`modelet restart \(model.key)`"
        let policy = model.spec.source?.container?.pull ?? .missing
        // Without a repository it is known to this host alone, and here already.
        guard let at = current.firstIndex(of: "@"), policy != .never else { return "\(restart) takes it" }
        if policy == .always { return "it is taken once it has been fetched" }
        let name = model.spec.source?.imageName(in: current[..<at]) ?? String(current)
        return "`docker pull \(name)`, then \(restart), takes it once; `pull: always` follows it"
    }
}

extension SourceSpec {
    /// The name under which the engine knows the image.
    fileprivate func imageName(in repository: Substring) -> String? {
        switch self {
        case .localArtifact: nil
        case .docker(let spec): spec.image
        case .ecr(let spec): spec.tag.map { "\(repository):\($0)" }
        }
    }
}
