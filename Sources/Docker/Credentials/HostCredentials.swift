package import Logging
package import ModelCore

/// The credentials that the user of this host has: Docker's, and those of AWS for ECR.
package final class HostCredentials: RegistryCredentials {
    private let docker: DockerLogins
    private let ecr: ECRTokens

    /// - Parameters:
    ///   - environment: the daemon's own. Programs that are asked for credentials get it, but for `MODELET_*`.
    ///   - home: where `~` leads; `nil`: to the home of the user that this process runs as.
    package convenience init(
        environment: [String: String], home: String?, now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.init(environment: environment, home: home, now: now, logger: logger, limits: CredentialLimits())
    }

    init(
        environment: [String: String], home: String?, now: @escaping @Sendable () -> Timestamp, logger: Logger,
        limits: CredentialLimits
    ) {
        var passed = environment.filter { !$0.key.hasPrefix("MODELET_") }
        let home = home ?? homeDirectory()
        // A service has none at times; what is asked for credentials looks for its files there.
        if passed["HOME"] == nil { passed["HOME"] = home }
        let environment = passed
        docker = DockerLogins(environment: environment, home: home, helperTimeLimit: limits.helper)
        ecr = ECRTokens(
            source: ECRTokenSource(environment: environment, helperTimeLimit: limits.helper, cliTimeLimit: limits.cli),
            now: now, identity: { AWSIdentity(environment: environment, home: home) }, logger: logger)
    }

    package func auth(for login: RegistryLogin) async throws(CredentialError) -> RegistryAuth? {
        switch login {
        case .docker(let registry, let given):
            return try await docker.auth(for: registry, given: given)
        case .ecr(let registry, let region):
            let target = ECRTarget(registry: registry, region: region)
            let token = try await ecr.token(for: target)
            return token.auth(registry: try host(target, token))
        }
    }

    package func renewed(
        _ refused: RegistryAuth, for login: RegistryLogin
    ) async throws(CredentialError) -> RegistryAuth? {
        if case .ecr(let registry, let region) = login {
            ecr.refuse(refused.password, for: ECRTarget(registry: registry, region: region))
        }
        let auth = try await auth(for: login)
        return auth == refused ? nil : auth
    }

    package func registry(for spec: ECRSpec) async throws(CredentialError) -> String {
        if let registry = spec.registry { return registry }
        let target = ECRTarget(registry: nil, region: spec.region)
        guard let host = try await ecr.registry(for: target) else { throw Self.nameless }
        return host
    }

    private func host(_ target: ECRTarget, _ token: ECRToken) throws(CredentialError) -> String {
        guard let host = target.registry ?? token.registry else { throw Self.nameless }
        return host
    }

    private static let nameless = CredentialError.terminal(
        "ECR's answer names no registry: write `registry` in the manifest")
}

// The environment within may hold secrets: whoever prints or dumps this shall see nothing of it.
extension HostCredentials: CustomReflectable {
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// How long programs may take that are asked for credentials.
struct CredentialLimits: Sendable {
    var helper: Duration = CredentialHelper.timeLimit
    var cli: Duration = .seconds(30)
}
