package import ModelCore

/// Whose word an image is fetched on.
package enum RegistryLogin: Hashable, Sendable {
    /// The user's own Docker configuration. `registry` is the host as image references have it, `docker.io` for Docker
    /// Hub; `given` is the manifest's `registry_auth`, which then counts instead.
    case docker(registry: String, given: String?)
    /// A token of Amazon ECR, for the registry of this host, else for the caller's own one.
    case ecr(registry: String?, region: String?)
}

extension RegistryLogin {
    package init(_ spec: ECRSpec) {
        self = .ecr(registry: spec.registry, region: spec.region)
    }
}

/// Where user names, passwords and tokens for registries come from.
///
/// They are handed out from memory or from the tools that users already have, and never logged, written to a disk or
/// put into a message. Every call is bounded in time, may start a program (a credential helper, the AWS CLI), and
/// blocks no thread. Cancelling a call leaves others that wait for the same token alone.
package protocol RegistryCredentials: Sendable {
    /// What to introduce ourselves with; `nil` where nothing is known of the registry: it is then asked without.
    func auth(for login: RegistryLogin) async throws(CredentialError) -> RegistryAuth?

    /// What to try next after the registry has not accepted `refused`. Never the same again: `nil` where there is
    /// nothing else. Call it once a pull.
    func renewed(_ refused: RegistryAuth, for login: RegistryLogin) async throws(CredentialError) -> RegistryAuth?

    /// The host of the registry that holds `spec`'s repository: the one that the manifest gives, to the letter, else the
    /// one that ECR names for the region. The image is `HOST/REPOSITORY:TAG`.
    func registry(for spec: ECRSpec) async throws(CredentialError) -> String
}

/// Why there are no credentials: a sentence for people that says what to do, and holds no secret.
package enum CredentialError: Error, Hashable, Sendable {
    /// May go away by itself.
    case retryable(String)
    /// Somebody has to change something.
    case terminal(String)

    package var classification: LoadFailure.Class {
        switch self {
        case .retryable: .retryable
        case .terminal: .terminal
        }
    }

    package var message: String {
        switch self {
        case .retryable(let message), .terminal(let message): message
        }
    }
}
