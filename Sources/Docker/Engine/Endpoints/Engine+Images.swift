internal import NIOCore
internal import NIOHTTP1

extension Engine {
    /// What the engine knows of an image that it has; `refused(404)` where it has none of that name.
    /// Maps to `GET /images/{name}/json`.
    /// - Parameter reference: a name with a tag or digest, or an id.
    package func inspectImage(_ reference: String) async throws(EngineError) -> ImageDetails {
        let call = EngineCall(
            method: .GET, path: "/images/\(percentEncoded(reference))/json", timeout: limits.query)
        return ImageDetails(try await decode(Wire.Image.self, from: call))
    }

    /// Takes a name from an image, and deletes the image with its last; one that is not there is a success.
    /// `refused(409)` while a container uses it. Maps to `DELETE /images/{name}`.
    package func removeImage(_ reference: String) async throws(EngineError) {
        let call = EngineCall(method: .DELETE, path: "/images/\(percentEncoded(reference))", timeout: limits.removal)
        _ = try await exchange(call, accepting: [404])
    }

    /// Gives an image one more name. Maps to `POST /images/{name}/tag`.
    package func tagImage(_ reference: String, as repository: String, tag: String) async throws(EngineError) {
        let call = EngineCall(
            method: .POST, path: "/images/\(percentEncoded(reference))/tag",
            query: [("repo", repository), ("tag", tag)], timeout: limits.query)
        _ = try await exchange(call)
    }

    /// Fetches an image from its registry. Maps to `POST /images/create`.
    ///
    /// The pull goes on while the sequence is read, and is given up when it is dropped. It has succeeded when the sequence
    /// ends without an error. What fails is either refused at once, or told within the sequence; both throw
    /// `refused` with the engine's message. Bounded by silence (``EngineLimits/pullSilence``), not by time.
    /// - Parameter reference: `repository`, `repository:tag` or `repository@digest`; `latest` where it names neither.
    package func pull(_ reference: String, auth: RegistryAuth?) async throws(EngineError) -> PullMessages {
        let (repository, tag) = Self.parts(of: reference)
        var call = EngineCall(
            method: .POST, path: "/images/create", query: [("fromImage", repository), ("tag", tag)],
            timeout: limits.pullSilence)
        if let auth { call.headers = [("X-Registry-Auth", auth.headerValue)] }
        return PullMessages(lines: EngineLines(try await stream(call, .pull), call: call.name))
    }

    /// Never without a tag: an engine may take that for all of them.
    static func parts(of reference: String) -> (repository: String, tag: String) {
        if let at = reference.firstIndex(of: "@") {
            // A tag beside a digest says nothing more.
            let (repository, _) = parts(of: String(reference[..<at]))
            return (repository, String(reference[reference.index(after: at)...]))
        }
        let name = reference.lastIndex(of: "/") ?? reference.startIndex
        guard let colon = reference[name...].lastIndex(of: ":") else { return (reference, "latest") }
        return (String(reference[..<colon]), String(reference[reference.index(after: colon)...]))
    }

    /// What a name means at its registry now: a digest, `sha256:…`. The engine asks the registry; nothing is fetched.
    /// Maps to `GET /distribution/{name}/json`, which podman does not have (`refused(404)`).
    package func distributionDigest(of reference: String, auth: RegistryAuth?) async throws(EngineError) -> String {
        var call = EngineCall(
            method: .GET, path: "/distribution/\(percentEncoded(reference))/json", timeout: limits.registry)
        if let auth { call.headers = [("X-Registry-Auth", auth.headerValue)] }
        let digest = try await decode(Wire.Distribution.self, from: call).Descriptor?.digest ?? ""
        guard digest.contains(":") else {
            throw .malformed("the engine's answer to \(call.name) names no digest")
        }
        return digest
    }
}
