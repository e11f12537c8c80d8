/// What whoever runs the daemon allows manifests to ask for, as far as containers go.
///
/// A value: it is asked where a launch is about to happen, and by `validate` and `plan`. Its answers are sentences that
/// name the flag and say what to do; nothing that it objects to is ever launched.
package struct LaunchPolicy: Hashable, Sendable {
    /// Where images may come from; empty: anywhere.
    package var allowedImages: [ImagePrefix]
    /// Whether an image must be named by its digest.
    package var requiresDigest: Bool
    /// Whether a manifest may open nothing that is closed for containers by default.
    package var forbidsPrivileges: Bool

    package init(
        allowedImages: [ImagePrefix] = [], requiresDigest: Bool = false, forbidsPrivileges: Bool = false
    ) {
        self.allowedImages = allowedImages
        self.requiresDigest = requiresDigest
        self.forbidsPrivileges = forbidsPrivileges
    }

    /// What speaks against launching `source`, as far as its manifest tells. Where the registry of an image is known
    /// only later, ``objection(toImage:)`` has to be asked then. `nil`: nothing.
    package func objection(to source: SourceSpec) -> PolicyObjection? {
        switch source {
        case .localArtifact: nil
        case .docker(let spec): objection(toImageText: spec.image) ?? objection(to: spec.container)
        case .ecr(let spec): objection(toImageOf: spec) ?? objection(to: spec.container)
        }
    }

    /// What speaks against an image, named as its manifest names it, and with the registry that it turned out to be in:
    /// its digest counts only if the manifest gives it. `nil`: nothing.
    package func objection(toImage image: ImageReference) -> PolicyObjection? {
        objection(toNameOf: image) ?? (image.digest == nil ? objectionToTag(of: image.description) : nil)
    }

    /// What speaks against where an image comes from, whether or not it is named by its digest. `nil`: nothing.
    package func objection(toNameOf image: ImageReference) -> PolicyObjection? {
        guard !allowedImages.isEmpty, !allowedImages.contains(where: { $0.matches(image) }) else { return nil }
        let allowed = allowedImages.map(\.description).joined(separator: ", ")
        return PolicyObjection(
            message: "images of \(image.name) are not allowed by the policy of this daemon (--allow-image)",
            hint: "allowed are: \(allowed); use one of them, or have the policy widened")
    }

    private func objectionToTag(of image: String) -> PolicyObjection? {
        guard requiresDigest else { return nil }
        return PolicyObjection(
            message:
                "image \(image) is named by a tag, and the policy of this daemon wants a digest (--require-digest)",
            hint: "add the digest, @sha256:… for `image` or `digest:` for ecr, which cannot come to mean another image")
    }

    private func objection(toImageText text: String) -> PolicyObjection? {
        guard let image = try? ImageReference(text) else {
            // As a manifest, it would be refused. One that was accepted earlier must not pass for want of a name.
            guard !allowedImages.isEmpty || requiresDigest else { return nil }
            return PolicyObjection(
                message: "`\(text)` is not the name of an image, and the policy of this daemon restricts images",
                hint: "correct `image`")
        }
        return objection(toImage: image)
    }

    private func objection(toImageOf spec: ECRSpec) -> PolicyObjection? {
        if spec.digest == nil, let objection = objectionToTag(of: spec.repository) { return objection }
        guard let registry = spec.registry else { return nil }
        return objection(toNameOf: ImageReference(registry: registry, repository: spec.repository))
    }

    private func objection(to container: ContainerSpec) -> PolicyObjection? {
        let opened = container.openedPrivileges
        guard forbidsPrivileges, !opened.isEmpty else { return nil }
        let names = opened.map { "`\($0)`" }.joined(separator: ", ")
        return PolicyObjection(
            message: "\(names) would open what the policy of this daemon keeps closed (--forbid-privileges)",
            hint: "leave \(opened.count == 1 ? "it" : "them") out of the manifest, or have the policy changed")
    }
}

/// Why a policy forbids a launch.
package struct PolicyObjection: Error, Hashable, Sendable {
    /// A sentence that names the policy.
    package let message: String
    /// What to do.
    package let hint: String

    /// Both in one line.
    package var sentence: String { "\(message); \(hint)" }
}

extension ContainerSpec {
    /// What of it opens something that is closed by default, by the names of the manifest.
    package var openedPrivileges: [String] {
        var opened: [String] = []
        if addedCapabilities?.isEmpty == false { opened.append("capabilities") }
        if privileged == true { opened.append("privileged") }
        if newPrivileges == true { opened.append("new_privileges") }
        if pidsLimit == .unlimited { opened.append("pids_limit") }
        if dockerSocket == true { opened.append("docker_socket") }
        return opened
    }
}
