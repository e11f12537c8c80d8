internal import ModelCore
internal import Reconciler

/// What the run loop does. Each of these ends with an event that frees those who wait, however it goes, save that the
/// loop itself is at its end: what was cut short is no failure.
extension ImageStore {
    /// Asks ECR which registry holds an image.
    func locate(_ image: WantedImage, _ spec: ECRSpec) async {
        do throws(LoadFailure) {
            handle(.located(try await located(spec, of: image)), of: image)
        } catch {
            if !Task.isCancelled { handle(.ended(.failed(error)), of: image) }
        }
    }

    func located(_ spec: ECRSpec, of image: WantedImage) async throws(LoadFailure) -> ImageReference {
        let host: String
        do throws(CredentialError) {
            host = try await credentials.registry(for: spec)
        } catch {
            throw failure(error, of: image)
        }
        let reference: ImageReference
        do throws(ImageReferenceError) {
            reference = try spec.reference(in: host)
        } catch {
            let message = "image \(image.label): in the registry \(host) it has no valid name: \(error.message)"
            throw LoadFailure(.terminal, message, at: now())
        }
        if let objection = policy.objection(toImage: reference) {
            throw LoadFailure(.terminal, objection.sentence, at: now())
        }
        return reference
    }

    func pull(_ image: WantedImage, as reference: ImageReference) async {
        do throws(LoadFailure) {
            handle(.ended(.ready(image: try await pulled(image, as: reference))), of: image)
        } catch {
            if !Task.isCancelled { handle(.ended(.failed(error)), of: image) }
        }
    }

    private func pulled(_ image: WantedImage, as reference: ImageReference) async throws(LoadFailure) -> String {
        let digest = try await asking(image, reference) { auth throws(EngineError) in
            try await self.fetch(image, reference, auth)
        }
        let found: String?
        do throws(EngineError) {
            found = try await fixed(reference, pulled: digest)
        } catch {
            throw PullFault.failureToLook(error, for: image, at: now())
        }
        if let found { return found }
        throw LoadFailure(.retryable, "image \(image.label) was removed as soon as it had been pulled", at: now())
    }

    /// Pulls, and tells how far it is. Returns the digest that the name was found to mean, if the engine tells.
    private func fetch(
        _ image: WantedImage, _ reference: ImageReference, _ auth: RegistryAuth?
    ) async throws(EngineError) -> String? {
        var tally = PullTally(image: image.label)
        var messages = try await engine.pull(reference.description, auth: auth).makeAsyncIterator()
        while let message = try await messages.next() {
            tally.add(message)
            handle(.progressed(tally.progress), of: image)
        }
        return tally.digest
    }

    /// Asks a registry through the engine, with credentials where there are some; once more with fresh ones where it does
    /// not accept those.
    func asking<Answer: Sendable>(
        _ image: WantedImage, _ reference: ImageReference,
        _ question: (RegistryAuth?) async throws(EngineError) -> Answer
    ) async throws(LoadFailure) -> Answer {
        let auth: RegistryAuth?
        do throws(CredentialError) {
            auth = try await credentials.auth(for: image.login)
        } catch {
            throw failure(error, of: image)
        }
        do throws(EngineError) {
            return try await question(auth)
        } catch {
            let refusal = PullFault.failure(error, of: image, reference: reference, at: now())
            guard let auth, PullFault(error, of: reference) == .denied else { throw refusal }
            guard let fresh = try await renewed(auth, image) else { throw refusal }
            do throws(EngineError) {
                return try await question(fresh)
            } catch {
                throw PullFault.failure(error, of: image, reference: reference, at: now())
            }
        }
    }

    private func renewed(_ auth: RegistryAuth, _ image: WantedImage) async throws(LoadFailure) -> RegistryAuth? {
        do throws(CredentialError) {
            return try await credentials.renewed(auth, for: image.login)
        } catch {
            throw failure(error, of: image)
        }
    }

    private func failure(_ error: CredentialError, of image: WantedImage) -> LoadFailure {
        LoadFailure(error.classification, "image \(image.label): \(error.message)", at: now())
    }
}
