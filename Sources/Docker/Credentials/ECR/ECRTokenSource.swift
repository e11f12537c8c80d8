internal import ModelCore

/// What a token is asked for.
struct ECRTarget: Hashable, Sendable {
    /// The registry's host, where the manifest gives one.
    var registry: String?
    var region: String?

    init(registry: String?, region: String?) {
        self.registry = registry
        self.region = region ?? registry.flatMap(ECRHost.init)?.region
    }
}

/// Asks for tokens: `docker-credential-ecr-login` where it is installed and the registry is known, else the AWS CLI.
struct ECRTokenSource: Sendable {
    /// What the two programs get.
    let environment: [String: String]
    var helperTimeLimit: Duration = CredentialHelper.timeLimit
    /// It may have to assume a role, or to look for one at an endpoint that is not there.
    var cliTimeLimit: Duration = .seconds(30)

    func token(for target: ECRTarget, at now: Timestamp) async throws(CredentialError) -> ECRToken {
        let fromHelper = await askHelper(target)
        if case .login(let login) = fromHelper {
            return ECRToken(login: login, obtainedAt: now, expiresAt: now + ECRToken.documentedLifetime)
        }
        let ending: OneShotProgram.Ending
        do {
            ending = try await cli(target).run()
        } catch {
            throw sentence(error, target, fromHelper)
        }
        guard ending.code == 0 else {
            throw CLIFault(said: ending.errors, exitCode: ending.code, region: target.region).error
        }
        guard let token = AuthorizationAnswer(json: ending.output)?.token(obtainedAt: now) else {
            throw .retryable("the AWS CLI answered without a token for ECR")
        }
        return token
    }

    private enum FromHelper {
        case login(UserAndPassword)
        /// It is asked about hosts, and none is known.
        case notAsked
        case notInstalled
        /// It has its reasons, but tells them only to a log of its own.
        case nothing
    }

    private func askHelper(_ target: ECRTarget) async -> FromHelper {
        guard let registry = target.registry else { return .notAsked }
        // It keeps tokens in a file otherwise.
        let environment = environment.merging(["AWS_ECR_DISABLE_CACHE": "true"]) { _, new in new }
        let helper = CredentialHelper(name: "ecr-login", environment: environment, timeLimit: helperTimeLimit)
        do throws(CredentialHelper.Failure) {
            return try await helper.credentials(for: registry).map { .login($0) } ?? .nothing
        } catch {
            return error == .program(.notInstalled) ? .notInstalled : .nothing
        }
    }

    private func cli(_ target: ECRTarget) -> OneShotProgram {
        var arguments = ["ecr", "get-authorization-token", "--output", "json"]
        // Its own patience is a minute, and five tries: it would be ended before it could say what is wrong.
        arguments += ["--cli-connect-timeout", "4", "--cli-read-timeout", "10"]
        if let region = target.region { arguments += ["--region", region] }
        if let account = target.registry.flatMap(ECRHost.init)?.account { arguments += ["--registry-ids", account] }
        let quiet = ["AWS_PAGER": "", "AWS_CLI_AUTO_PROMPT": "off"]
        let patient = environment["AWS_MAX_ATTEMPTS"] == nil ? ["AWS_MAX_ATTEMPTS": "3"] : [:]
        return OneShotProgram(
            name: "aws", arguments: arguments,
            environment: environment.merging(quiet.merging(patient) { $1 }) { $1 }, timeLimit: cliTimeLimit)
    }

    private func sentence(
        _ failure: OneShotProgram.Failure, _ target: ECRTarget, _ fromHelper: FromHelper
    ) -> CredentialError {
        switch (failure, fromHelper) {
        case (.notInstalled, .notAsked):
            .terminal(
                "the AWS CLI is not installed (apt-get install awscli), and only it can tell the registry's host; with "
                    + "`registry` in the manifest, docker-credential-ecr-login does as well")
        case (.notInstalled, .notInstalled):
            .terminal(
                "neither docker-credential-ecr-login nor the AWS CLI is in the PATH of modelet: install one of them "
                    + "(apt-get install amazon-ecr-credential-helper, or awscli)")
        case (.notInstalled, _):
            .retryable(
                "docker-credential-ecr-login gave no credentials for \(target.registry ?? "ECR"): ~/.ecr/log has its "
                    + "reasons, and with the AWS CLI installed modelet can name them")
        case (.timedOut, _): .retryable("the AWS CLI has not answered within \(cliTimeLimit)")
        case (.talkedTooMuch, _): .retryable("the AWS CLI wrote more than a token takes")
        case (.notStarted, _): .retryable("the AWS CLI could not be started")
        }
    }
}
