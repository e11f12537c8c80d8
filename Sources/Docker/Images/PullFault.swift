package import ModelCore

/// Why an image did not come, as far as the engine's words tell. Engines differ in them, and change them.
package enum PullFault: Hashable, Sendable {
    /// The registry has no image of that name, tag or digest.
    case absent
    /// The registry does not let us in, or not tell whether the image exists.
    case denied
    /// It is there, but not for this kind of host.
    case wrongPlatform
    /// The engine will not have the name, or cannot make anything of the image.
    case unusable
    /// The engine does not trust the registry's certificate, or the registry has none.
    case untrusted
    case rateLimited
    case diskFull
    /// Everything else: networks, registries and engines that are not well.
    case passing

    /// - Parameter reference: what was pulled; its own words are no part of what the engine says.
    package init(_ error: EngineError, of reference: ImageReference) {
        guard case .refused(let status, let message) = error else {
            self = .passing
            return
        }
        var text = message.lowercased().replacing(reference.repository, with: "")
        if let tag = reference.tag { text.replace(":\(tag.lowercased())", with: "") }
        if let known = Self.phrases.first(where: { text.contains($0.phrase) }) {
            self = known.fault
        } else {
            switch status {
            case 400: self = .unusable
            case 401, 403: self = .denied
            case 404: self = .absent
            case 429: self = .rateLimited
            default: self = .passing
            }
        }
    }

    package var classification: LoadFailure.Class {
        switch self {
        case .absent, .denied, .wrongPlatform, .unusable, .untrusted: .terminal
        case .rateLimited, .diskFull, .passing: .retryable
        }
    }

    /// What tells a fault, in lower case. The first that is found counts: one message holds several at times.
    private static let phrases: [(phrase: String, fault: PullFault)] = [
        ("no space left on device", .diskFull),
        ("disk quota exceeded", .diskFull),
        ("toomanyrequests", .rateLimited),
        ("too many requests", .rateLimited),
        ("pull rate limit", .rateLimited),
        // A clock that is not set yet, or a certificate that is just being renewed, mends itself.
        ("certificate has expired or is not yet valid", .passing),
        ("x509:", .untrusted),
        ("server gave http response to https client", .untrusted),
        ("no matching manifest for", .wrongPlatform),
        ("no match for platform", .wrongPlatform),
        ("does not match the specified platform", .wrongPlatform),
        ("cannot be used on this platform", .wrongPlatform),
        ("no image found in image index for architecture", .wrongPlatform),
        // A registry behind something that fails: what follows is the text of an error page.
        ("500 internal server error", .passing),
        ("502 bad gateway", .passing),
        ("503 service unavailable", .passing),
        ("504 gateway time", .passing),
        ("dial tcp", .passing),
        ("failed to do request", .passing),
        ("connection reset", .passing),
        ("no such host", .passing),
        ("i/o timeout", .passing),
        ("tls handshake timeout", .passing),
        ("client.timeout exceeded", .passing),
        ("context deadline exceeded", .passing),
        ("unexpected eof", .passing),
        ("manifest unknown", .absent),
        ("name unknown", .absent),
        ("name_unknown", .absent),
        ("repository name not known to registry", .absent),
        // Docker Hub and others do not tell strangers which of the two it is.
        ("repository does not exist or may require", .denied),
        ("does not exist or no pull access", .denied),
        ("pull access denied", .denied),
        ("access to the resource is denied", .denied),
        ("authorization failed", .denied),
        ("unauthorized", .denied),
        ("authentication required", .denied),
        ("no basic auth credentials", .denied),
        ("incorrect username or password", .denied),
        ("authorization token has expired", .denied),
        ("is not authorized to perform", .denied),
        ("403 forbidden", .denied),
        ("http 403", .denied),
        ("insufficient_scope", .denied),
        ("denied:", .denied),
        ("invalid reference format", .unusable),
        ("short-name", .unusable),
        ("media type", .unusable),
        ("unsupported manifest", .unusable),
        ("schema 1", .unusable),
        ("not found", .absent),
    ]
}
