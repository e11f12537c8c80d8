internal import ModelCore
internal import Reconciler

extension ImageStore {
    /// What a request would get now if it were pulled, in the terms of ``Provision/ready(image:)``; see
    /// ``Runtime/currentImage(of:)``. `nil` where that cannot be told, or can never differ. Asks the registry once for all
    /// models that share the image, and remembers the answer for some seconds. Needs no ``ImageStore/run()``.
    package func currentImage(of request: ImageRequest) async -> String? {
        let image = request.image
        if image.isFixed { return nil }
        switch request.policy {
        case .never:
            return await imageOnHost(image)
        case .missing:
            // What was built here, no registry has; and asking one would tell it our names.
            if let built = await imageBuiltHere(image) { return built }
        case .always:
            break
        }
        return await registry.answer(for: image) { await self.askRegistry(image) }
    }

    private func imageOnHost(_ image: WantedImage) async -> String? {
        guard let reference = reference(of: image) else { return nil }
        return try? await fixed(reference)
    }

    private func imageBuiltHere(_ image: WantedImage) async -> String? {
        guard let reference = reference(of: image),
            let details = try? await engine.inspectImage(reference.description),
            FixedReference.digests(of: details, in: reference).isEmpty
        else { return nil }
        return details.id
    }

    private func askRegistry(_ image: WantedImage) async -> String? {
        guard let reference = try? await wholeName(of: image) else { return nil }
        let digest = try? await asking(image, reference) { auth throws(EngineError) in
            try await self.engine.distributionDigest(of: reference.description, auth: auth)
        }
        return digest.map { reference.pinned(to: $0).description }
    }

    private func wholeName(of image: WantedImage) async throws(LoadFailure) -> ImageReference? {
        if let reference = reference(of: image) { return reference }
        guard case .inECR(let spec) = image.place else { return nil }
        return try await located(spec, of: image)
    }
}

extension WantedImage {
    /// Whether its name can never mean another image.
    var isFixed: Bool {
        switch place {
        case .named(let reference): reference.digest != nil
        case .inECR(let spec): spec.digest != nil
        }
    }
}
