package import ModelCore

extension PullFault {
    /// The failure of a model whose image did not come: what happened, what to do, and the engine's own words.
    package static func failure(
        _ error: EngineError, of image: WantedImage, reference: ImageReference, at time: Timestamp
    ) -> LoadFailure {
        if let refusal = refusal(error, of: image, reference: reference) {
            return LoadFailure(refusal.classification, "image \(image.label): \(refusal.message)", at: time)
        }
        let fault = PullFault(error, of: reference)
        return LoadFailure(
            fault.classification, fault.sentence(error, of: image, registry: reference.registry), at: time)
    }

    /// What ECR means, where it is ECR that refuses.
    private static func refusal(
        _ error: EngineError, of image: WantedImage, reference: ImageReference
    ) -> CredentialError? {
        guard case .ecr = image.login, case .refused(_, let message) = error else { return nil }
        return PullRefusal(
            message, registry: reference.registry, repository: reference.repository,
            version: reference.digest ?? reference.tag ?? "latest")?.error
    }

    /// The failure of a model whose image could not be looked for on the host.
    static func failureToLook(_ error: EngineError, for image: WantedImage, at time: Timestamp) -> LoadFailure {
        LoadFailure(.retryable, "image \(image.label) cannot be looked for: \(error.sentence)", at: time)
    }

    private func sentence(_ error: EngineError, of image: WantedImage, registry: String) -> String {
        guard case .refused(_, let message) = error else {
            if case .timedOut(_, let silence) = error {
                return "nothing was heard of the pull of image \(image.label) for \(silence.components.seconds) s"
            }
            return "image \(image.label) cannot be pulled: \(error.sentence)"
        }
        let words = Self.shortened(message)
        switch self {
        case .absent:
            return
                "there is no image \(image.label) to pull\(Self.place(image, registry)): check the spelling of its name and "
                + "its tag (\(words))"
        case .denied:
            return "\(registry) does not hand out image \(image.label): \(Self.remedy(image, registry)) "
                + "(\(words))"
        case .wrongPlatform:
            return "image \(image.label) is not for this kind of host: it has to be built for it (\(words))"
        case .unusable:
            return "the engine cannot make use of image \(image.label) (\(words))"
        case .untrusted:
            return "the engine does not trust the registry \(registry): put its CA into "
                + "/etc/docker/certs.d/\(registry)/ca.crt, or list it in `insecure-registries` of "
                + "/etc/docker/daemon.json (\(words))"
        case .rateLimited:
            return "\(registry) has had too many requests from here for now: `docker login` raises the limit of Docker "
                + "Hub (\(words))"
        case .diskFull:
            return "the disk of the engine is full: `docker system df` shows what takes it, `docker image prune` frees "
                + "what nothing uses (\(words))"
        case .passing:
            return "image \(image.label) cannot be pulled\(Self.place(image, registry)): \(words)"
        }
    }

    /// The registry, unless the manifest's own words tell it.
    private static func place(_ image: WantedImage, _ registry: String) -> String {
        image.label.hasPrefix("\(registry)/") ? "" : " from \(registry)"
    }

    private static func remedy(_ image: WantedImage, _ registry: String) -> String {
        switch image.login {
        case .ecr:
            return "check the repository's name, and that the AWS identity may ecr:BatchGetImage and "
                + "ecr:GetDownloadUrlForLayer"
        case .docker(_, given: .some):
            return "it does not exist, or what `registry_auth` says is not accepted"
        case .docker:
            let host = registry == ImageReference.dockerHub ? "" : " \(registry)"
            return "it does not exist, or needs `docker login\(host)` as the user that modelet runs as"
        }
    }

    /// No more of an engine's words than this is shown, in characters: registries answer with whole pages at times.
    private static let longestWords = 400

    private static func shortened(_ message: String) -> String {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.count <= longestWords ? line : line.prefix(longestWords) + "…"
    }
}

extension EngineError {
    /// What happened, for people.
    fileprivate var sentence: String {
        switch self {
        case .unreachable(let sentence), .malformed(let sentence): sentence
        case .timedOut(let call, let limit): "the engine has not answered \(call) within \(limit)"
        case .refused(_, let message): "the engine says: \(message)"
        }
    }
}
