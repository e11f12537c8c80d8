package import ModelCore

/// Which image a model wants, when it is to be fetched, and on whose word.
package struct ImageRequest: Hashable, Sendable {
    package var image: WantedImage
    package var policy: PullPolicy

    package init(_ spec: DockerSpec) throws(ImageReferenceError) {
        let reference = try ImageReference(spec.image)
        image = WantedImage(
            place: .named(reference), label: spec.image,
            login: .docker(registry: reference.registry, given: spec.registryAuth))
        policy = spec.container.pull ?? .missing
    }

    package init(_ spec: ECRSpec) throws(ImageReferenceError) {
        var identity = ECRSpec(repository: spec.repository, container: ContainerSpec(containerPort: 0))
        (identity.tag, identity.digest) = (spec.tag, spec.digest)
        (identity.region, identity.registry) = (spec.region, spec.registry)
        let place: WantedImage.Place =
            if let registry = spec.registry {
                .named(try spec.reference(in: registry))
            } else {
                .inECR(identity)
            }
        image = WantedImage(place: place, label: spec.label, login: RegistryLogin(spec))
        policy = spec.container.pull ?? .missing
    }
}

/// An image as a registry has it, and who asks for it. Models that want equal ones share what is fetched.
package struct WantedImage: Hashable, Sendable {
    package enum Place: Hashable, Sendable {
        case named(ImageReference)
        /// The host of its registry is what ECR's API says. Only what makes the name is given.
        case inECR(ECRSpec)
    }

    package var place: Place
    /// As the manifest names it.
    package var label: String
    package var login: RegistryLogin

    package init(place: Place, label: String, login: RegistryLogin) {
        self.place = place
        self.label = label
        self.login = login
    }

    /// Its whole name, where the manifest gives that.
    var reference: ImageReference? {
        if case .named(let reference) = place { reference } else { nil }
    }

    // Two ways to write a name mean the same image, and one pull.
    package static func == (a: WantedImage, b: WantedImage) -> Bool { a.place == b.place && a.login == b.login }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(place)
        hasher.combine(login)
    }
}

extension ECRSpec {
    /// The image's name in the registry of this host.
    func reference(in registry: String) throws(ImageReferenceError) -> ImageReference {
        try ImageReference(checking: registry, repository, tag, digest)
    }
}
