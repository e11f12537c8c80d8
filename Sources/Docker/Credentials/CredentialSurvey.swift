internal import FoundationEssentials
internal import Glibc

/// What there is on this host to log in to registries with, for people who ask what is missing.
///
/// Starts programs, each bounded in time, and gives no secret away.
package struct CredentialSurvey: Sendable {
    private let environment: [String: String]
    private let logins: DockerLogins
    private let timeLimit: Duration

    /// How long each program may take. The AWS CLI looks for a role of the host at an address that may not be there.
    package static let longestAnswer: Duration = .seconds(10)

    /// - Parameters:
    ///   - environment: of the user whose credentials are looked for.
    ///   - home: his home directory; `nil` where there is none.
    package init(environment: [String: String], home: String?, timeLimit: Duration = longestAnswer) {
        var passed = environment.filter { !$0.key.hasPrefix("MODELET_") }
        if passed["HOME"] == nil { passed["HOME"] = home }
        self.environment = passed
        logins = DockerLogins(environment: passed, home: home)
        self.timeLimit = timeLimit
    }

    // MARK: - Docker's configuration

    /// `config.json`, as far as it names programs.
    package enum Configuration: Hashable, Sendable {
        case none
        /// Why, as a sentence.
        case unusable(String)
        case read(path: String, helpers: [Helper])
    }

    package struct Helper: Hashable, Sendable {
        /// `docker-credential-pass`.
        package var command: String
        package var isInstalled: Bool

        package init(command: String, isInstalled: Bool) {
            self.command = command
            self.isInstalled = isInstalled
        }
    }

    package func configuration() -> Configuration {
        do throws(CredentialError) {
            guard let path = logins.path, let configuration = try logins.configuration() else { return .none }
            let commands = configuration.helperNames.map { "docker-credential-\($0)" }.sorted()
            return .read(
                path: path, helpers: commands.map { Helper(command: $0, isInstalled: isInstalled($0)) })
        } catch {
            return .unusable(error.message)
        }
    }

    /// The program that `config.json` names for a registry; `nil` where it names none.
    /// - Parameter registry: a host as image references have it.
    package func helper(for registry: String) -> String? {
        guard let configuration = try? logins.configuration(),
            case .helper(let name, _) = try? configuration.origin(for: RegistryName(registry))
        else { return nil }
        return "docker-credential-\(name)"
    }

    // MARK: - Amazon ECR

    package static let ecrHelper = "docker-credential-ecr-login"

    /// Whether a program of this name is in the `PATH`.
    package func isInstalled(_ program: String) -> Bool {
        let folders = (environment["PATH"] ?? "").split(separator: ":", omittingEmptySubsequences: true)
        return folders.contains { folder in
            var info = stat()
            let path = "\(folder)/\(program)"
            return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
        }
    }

    /// As the AWS CLI words it, `aws-cli/2.9.19`; `nil` where it is not installed.
    package func awsVersion() async -> String? {
        guard isInstalled("aws") else { return nil }
        guard let said = try? await aws(["--version"]), said.code == 0 else { return "aws (of no known version)" }
        // The first version wrote it to its second output.
        let words = (said.output + said.errors).split(whereSeparator: \.isWhitespace)
        return words.first.map { String($0.prefix(Self.longestWord)) } ?? "aws (of no known version)"
    }

    /// In characters.
    private static let longestWord = 60

    package enum Identity: Hashable, Sendable {
        case known(account: String, arn: String)
        /// Why not, as a sentence that says what to do.
        case unknown(String)
    }

    private struct CallerIdentity: Decodable {
        var Account: String
        var Arn: String
    }

    /// Whom AWS takes us for. Maps to `aws sts get-caller-identity`.
    package func identity(region: String?) async -> Identity {
        var arguments = ["sts", "get-caller-identity", "--output", "json"]
        arguments += ["--cli-connect-timeout", "4", "--cli-read-timeout", "5"]
        if let region { arguments += ["--region", region] }
        do throws(OneShotProgram.Failure) {
            let said = try await aws(arguments)
            guard said.code == 0 else {
                return .unknown(CLIFault(said: said.errors, exitCode: said.code, region: region).error.message)
            }
            guard let answer = try? JSONDecoder().decode(CallerIdentity.self, from: Data(said.output.utf8)) else {
                return .unknown("the AWS CLI answered without an identity")
            }
            return .known(account: answer.Account, arn: answer.Arn)
        } catch {
            switch error {
            case .notInstalled: return .unknown("the AWS CLI is not installed (apt-get install awscli)")
            case .timedOut:
                return .unknown(
                    "the AWS CLI has not answered within \(timeLimit.components.seconds) s: does this host reach AWS, and "
                        + "has it a role, or its user credentials?")
            case .talkedTooMuch, .notStarted: return .unknown("the AWS CLI could not be run")
            }
        }
    }

    /// The region that the AWS CLI uses where none is given; `nil` where it knows none.
    package func defaultRegion() async -> String? {
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            if let region = environment[name], !region.isEmpty { return region }
        }
        guard let said = try? await aws(["configure", "get", "region"]), said.code == 0 else { return nil }
        return said.output.split(whereSeparator: \.isWhitespace).first.map { String($0.prefix(Self.longestWord)) }
    }

    private func aws(_ arguments: [String]) async throws(OneShotProgram.Failure) -> OneShotProgram.Ending {
        let quiet = ["AWS_PAGER": "", "AWS_CLI_AUTO_PROMPT": "off", "AWS_MAX_ATTEMPTS": "1"]
        return try await OneShotProgram(
            name: "aws", arguments: arguments, environment: environment.merging(quiet) { $1 }, timeLimit: timeLimit
        ).run()
    }
}
