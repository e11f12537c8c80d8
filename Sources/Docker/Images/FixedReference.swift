internal import ModelCore

/// The name of an image that cannot come to mean another one.
enum FixedReference {
    /// What to run, and what to compare with what runs, of an image that the engine has under `reference`.
    ///
    /// `repository@sha256:…` where a registry is known to have it in the repository that was asked for, and else its id:
    /// the engine's name for the image in another repository says nothing of this one, and one that was built here has
    /// none at all.
    /// - Parameter pulled: the digest that the tag was just pulled by. An image can have several in one repository,
    ///   where it was pushed compressed in different ways.
    static func of(_ details: ImageDetails, as reference: ImageReference, pulled: String? = nil) -> String {
        if let digest = reference.digest { return reference.pinned(to: digest).description }
        let digests = digests(of: details, in: reference)
        guard let digest = digests.first(where: { $0 == pulled }) ?? digests.first else { return details.id }
        return reference.pinned(to: digest).description
    }

    /// By which digests the image is known to be in the repository of `reference`. Empty for one that was built here.
    static func digests(of details: ImageDetails, in reference: ImageReference) -> [String] {
        details.repositoryDigests.compactMap { text in
            guard let named = try? ImageReference(text), named.name == reference.name else { return nil }
            return named.digest
        }.sorted()
    }
}
