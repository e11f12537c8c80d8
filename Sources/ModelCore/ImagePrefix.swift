/// Where images may come from: a registry, a part of one, or one repository with all that lies below it.
///
/// Read as the name of an image is: without a host it means Docker Hub, and `ubuntu` there is `library/ubuntu`. With a
/// slash at its end it is only what lies below: `team/` is all of a user of Docker Hub. Whole parts are compared:
/// `r.io/team` is not the beginning of `r.io/teammate/x`.
package struct ImagePrefix: Hashable, Sendable, CustomStringConvertible {
    /// In lower case, as hosts are compared.
    private let registry: String
    /// The parts of the repository that have to agree; empty: all of the registry.
    private let parts: [Substring]
    private let isOnlyWhatLiesBelow: Bool
    /// As it was given.
    package let description: String

    /// The part of Docker Hub that has the images of one word.
    private static let official: Substring = "library"

    /// `nil` where `text` is none: it has a tag or a digest, say.
    package init?(_ text: String) {
        description = text
        isOnlyWhatLiesBelow = text.hasSuffix("/")
        var rest = (isOnlyWhatLiesBelow ? text.dropLast() : text[...]).split(
            separator: "/", omittingEmptySubsequences: false)
        guard let first = rest.first, !first.isEmpty else { return nil }
        var registry = ImageReference.dockerHub
        if ImageReference.isHost(first) {
            guard ImageGrammar.isRegistry(String(first)) else { return nil }
            if !ImageReference.isDockerHub(first) { registry = first.lowercased() }
            rest.removeFirst()
        }
        guard rest.isEmpty || ImageGrammar.isRepository(rest.joined(separator: "/")) else { return nil }
        if registry == ImageReference.dockerHub, !isOnlyWhatLiesBelow, rest.count == 1, rest[0] != Self.official {
            rest.insert(Self.official, at: 0)
        }
        self.registry = registry
        parts = rest
    }

    package func matches(_ image: ImageReference) -> Bool {
        guard image.registry.lowercased() == registry else { return false }
        let repository = image.repository.split(separator: "/")
        return repository.starts(with: parts) && !(isOnlyWhatLiesBelow && repository.count == parts.count)
    }
}
