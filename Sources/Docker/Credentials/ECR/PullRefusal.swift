/// What an ECR registry means by refusing a pull, out of the message that the engine passes on.
package struct PullRefusal: Hashable, Sendable {
    /// A sentence with what is to be done, and whether it makes sense to try again soon.
    package var error: CredentialError
    /// Whether other credentials may do: the token has expired, or was not accepted. Then
    /// ``RegistryCredentials/renewed(_:for:)`` is worth a try.
    package var isAboutCredentials: Bool

    /// - Parameters:
    ///   - message: the engine's words, as they are.
    ///   - registry: the host that was asked.
    ///   - repository: its name in the registry.
    ///   - version: the tag or the digest.
    /// - Returns: `nil` where it is nothing that ECR is known to say.
    package init?(_ message: String, registry: String, repository: String, version: String) {
        isAboutCredentials = false
        // What the image is called is none of the registry's words.
        let words = message.replacing(repository, with: "")
        if let denial = Denial(in: message) {
            error = .terminal(denial.sentence)
        } else if words.contains("authorization token has expired") {
            isAboutCredentials = true
            error = .retryable("the token for \(registry) has expired")
        } else if Self.means(words, ["no basic auth credentials", "authentication required", "401 Unauthorized"]) {
            isAboutCredentials = true
            error = .terminal(
                "\(registry) does not accept the credentials: is it the registry that `region` and the AWS credentials "
                    + "belong to?")
        } else if Self.means(words, ["The repository with name", "name unknown", "repository name not known"]) {
            error = .terminal(Self.noRepository(repository, in: registry, said: message))
        } else if Self.means(words, ["Requested image not found", "manifest unknown", "manifest not found"]) {
            let named = version.contains(":") ? "digest" : "tag"
            error = .terminal("the repository \(repository) in \(registry) has no image with the \(named) \(version)")
        } else if Self.means(words, ["toomanyrequests", "Rate exceeded", "429 Too Many Requests"]) {
            error = .retryable("\(registry) answers no more for now: too many requests")
        } else if words.contains("403 Forbidden"), Self.means(words, ["starport", ".s3."]) {
            error = .terminal(
                "the layers of \(repository) come from S3, which refuses them: the policy of the VPC's endpoint for S3 "
                    + "has to allow the bucket of ECR (docs/ecr.md)")
        } else {
            return nil
        }
    }

    private static func means(_ message: String, _ phrases: [String]) -> Bool {
        phrases.contains { message.contains($0) }
    }

    private static func noRepository(_ repository: String, in registry: String, said message: String) -> String {
        let host = ECRHost(registry)
        var place = "in \(registry)"
        // The registry itself is asked by its account; an endpoint of a VPC bears none in its name.
        if let account = account(in: message) ?? host?.account { place += ", account \(account)" }
        if let region = host?.region { place += ", region \(region)" }
        return "ECR has no repository \(repository) \(place): check `repository`, `region` and `registry`"
    }

    private static func account(in message: String) -> String? {
        guard let start = message.firstRange(of: "registry with id '")?.upperBound else { return nil }
        let digits = message[start...].prefix { $0.isASCII && $0.isNumber }
        return digits.count == 12 ? String(digits) : nil
    }
}
