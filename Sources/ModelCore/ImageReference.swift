/// The name of an image, as engines and registries have it: `[registry/]repository[:tag][@digest]`.
///
/// What is left out is filled in as Docker does it, so that two ways to write one name are equal: the registry is
/// `docker.io`, and a repository of one word there lies in `library/`.
package struct ImageReference: Hashable, Sendable {
    /// A host, perhaps with a port.
    package let registry: String
    /// Without the registry: `library/ubuntu`.
    package let repository: String
    package var tag: String?
    /// `sha256:` and 64 hexadecimal digits. Where it is given, it decides, and not the tag.
    package var digest: String?

    package static let dockerHub = "docker.io"
    /// Where Docker Hub keeps images that have a name of one word.
    private static let official = "library/"
    private static let localhost = "localhost"
    /// Another name of Docker Hub, from its early days.
    private static let oldDockerHub = "index.docker.io"

    /// Of parts that are known to be right.
    package init(registry: String, repository: String, tag: String? = nil, digest: String? = nil) {
        self.registry = registry
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }

    /// Parses a name as people write it.
    package init(_ text: String) throws(ImageReferenceError) {
        if text.contains("://") { throw .hasScheme }
        if ImageGrammar.isDigest(text) { throw .isID }
        var rest = text[...]
        var digest: String?
        if let at = rest.firstIndex(of: "@") {
            digest = String(rest[rest.index(after: at)...])
            rest = rest[..<at]
        }
        var tag: String?
        // A colon before the last slash is that of the registry's port.
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            tag = String(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
        }
        let (registry, repository) = Self.split(rest)
        try self.init(checking: registry, repository, tag, digest)
    }

    /// Like ``init(registry:repository:tag:digest:)``, of parts that are not known to be right.
    package init(
        checking registry: String, _ repository: String, _ tag: String?, _ digest: String?
    ) throws(ImageReferenceError) {
        guard ImageGrammar.isRegistry(registry) else { throw .malformedRegistry(registry) }
        guard ImageGrammar.isRepository(repository) else {
            throw repository.contains(where: \.isUppercase)
                ? .upperCase(repository) : .malformedRepository(repository)
        }
        guard registry.utf8.count + 1 + repository.utf8.count <= ImageGrammar.longestName else { throw .tooLong }
        if let tag, !ImageGrammar.isTag(tag) { throw .malformedTag(tag) }
        if let digest, !ImageGrammar.isDigest(digest) { throw .malformedDigest(digest) }
        self.init(registry: registry, repository: repository, tag: tag, digest: digest)
    }

    private static func split(_ name: Substring) -> (registry: String, repository: String) {
        guard let slash = name.firstIndex(of: "/"), isHost(name[..<slash]) else {
            return (dockerHub, inDockerHub(name))
        }
        let registry = name[..<slash]
        let repository = name[name.index(after: slash)...]
        if isDockerHub(registry) { return (dockerHub, inDockerHub(repository)) }
        return (String(registry), String(repository))
    }

    /// Whether the first part of a name is a host rather than a part of the repository.
    static func isHost(_ part: some StringProtocol) -> Bool {
        part.contains(".") || part.contains(":") || part == localhost
    }

    static func isDockerHub(_ registry: some StringProtocol) -> Bool {
        registry == dockerHub || registry == oldDockerHub
    }

    private static func inDockerHub(_ repository: Substring) -> String {
        repository.contains("/") || repository.isEmpty ? String(repository) : official + repository
    }
}

extension ImageReference {
    /// The tag that counts: `latest` where neither a tag nor a digest is given, none where a digest decides.
    package var effectiveTag: String? { digest == nil ? tag ?? "latest" : nil }

    /// Registry and repository in full: `docker.io/library/ubuntu`.
    package var name: String { "\(registry)/\(repository)" }

    /// Registry and repository as people write them: `ubuntu`.
    package var familiarName: String {
        guard registry == Self.dockerHub else { return name }
        guard repository.hasPrefix(Self.official) else { return repository }
        let short = repository.dropFirst(Self.official.count)
        // `library/a/b` would mean something else without its first part.
        return short.contains("/") ? repository : String(short)
    }

    /// The whole in full, with the tag that goes without saying: `docker.io/library/ubuntu:latest`.
    package var canonical: String { name + suffix(tag ?? effectiveTag) }

    /// The same image by its digest, whatever the tag comes to mean: `docker.io/library/ubuntu@sha256:…`.
    package func pinned(to digest: String) -> ImageReference {
        ImageReference(registry: registry, repository: repository, digest: digest)
    }

    private func suffix(_ tag: String?) -> String {
        (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }
}

extension ImageReference: CustomStringConvertible {
    /// As people write it: `ubuntu:22.04`, without what goes without saying.
    package var description: String { familiarName + suffix(tag) }
}

/// What is wrong with a text that shall name an image.
package enum ImageReferenceError: Error, Hashable, Sendable {
    case hasScheme
    /// The id of an image that one engine has, and no name.
    case isID
    case malformedRegistry(String)
    case malformedRepository(String)
    case upperCase(String)
    case malformedTag(String)
    case malformedDigest(String)
    case tooLong

    /// Goes on after "… is not the name of an image: ".
    package var message: String {
        switch self {
        case .hasScheme: "it has the form of a URL"
        case .isID: "it is the id of one, which only one engine knows"
        case .malformedRegistry: "what stands before the first `/` is no registry"
        case .malformedRepository(let repository): repository.isEmpty ? "it is empty" : "the repository is malformed"
        case .upperCase: "a repository has no capital letters"
        case .malformedTag(let tag): tag.isEmpty ? "the tag is empty" : "the tag is malformed"
        case .malformedDigest(let digest): digest.isEmpty ? "the digest is empty" : "the digest is malformed"
        case .tooLong: "it is longer than \(ImageGrammar.longestName) characters"
        }
    }

    package var hint: String? {
        switch self {
        case .hasScheme: "leave out what comes before the registry: registry.example.com/team/model:1"
        case .isID: "give it a name with `docker tag`"
        case .malformedRegistry: "a host, perhaps with a port: registry.example.com:5000/team/model"
        case .malformedRepository: "[registry/]repository[:tag], for example ml-model-service:latest"
        case .upperCase(let repository): "write \(repository.lowercased())"
        case .malformedTag: "letters, digits, `.`, `_` and `-`, at most \(ImageGrammar.longestTag) of them"
        case .malformedDigest: "sha256: and 64 digits from 0 to f"
        case .tooLong: nil
        }
    }
}
