internal import FoundationEssentials

/// `docker-credential-NAME get`: the server on its input, JSON on its output.
struct CredentialHelper: Sendable {
    var name: String
    var environment: [String: String]
    var timeLimit: Duration = CredentialHelper.timeLimit

    /// A helper may have to ask a key ring or a cloud.
    static let timeLimit: Duration = .seconds(10)

    /// What helpers say of a server that they know nothing of, with the exit code 1.
    private static let notFound = "credentials not found in native keychain"

    enum Failure: Error, Hashable, Sendable {
        case isNoName
        case program(OneShotProgram.Failure)
        /// It failed, and said this of it.
        case failed(code: Int32, said: Redacted)
        case malformed
    }

    private struct Answer: Decodable {
        var Username: String?
        var Secret: String?
    }

    /// What the helper has for `server`; `nil` where it knows nothing of it.
    func credentials(for server: String) async throws(Failure) -> UserAndPassword? {
        guard Self.isValid(name) else { throw .isNoName }
        let program = OneShotProgram(
            name: command, arguments: ["get"], environment: environment, input: server, timeLimit: timeLimit)
        let ending: OneShotProgram.Ending
        do {
            ending = try await program.run()
        } catch {
            throw .program(error)
        }
        guard ending.code == 0 else {
            if ending.output.contains(Self.notFound) { return nil }
            throw .failed(code: ending.code, said: Redacted(ending.output))
        }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(ending.output.utf8)) else {
            throw .malformed
        }
        guard let secret = answer.Secret, !secret.isEmpty else { return nil }
        return UserAndPassword(user: answer.Username ?? "", password: secret)
    }

    private var command: String { "docker-credential-\(name)" }

    func error(_ failure: Failure) -> CredentialError {
        switch failure {
        case .isNoName:
            .terminal("`credsStore` or `credHelpers` in Docker's config.json names no credential helper")
        case .program(.notInstalled):
            .terminal(
                "\(command), which Docker's config.json names, is not in the PATH of modelet: install it, or change "
                    + "`credsStore` or `credHelpers` there")
        case .program(.timedOut): .retryable("\(command) has not answered within \(timeLimit)")
        case .program(.talkedTooMuch): .retryable("\(command) wrote more than a credential helper has to say")
        case .program(.notStarted): .retryable("\(command) could not be started")
        case .failed(let code, let said):
            .retryable("\(command) failed with exit code \(code)" + (said.text.isEmpty ? "" : ": \(said.text)"))
        case .malformed: .retryable("\(command) answered with what is not the JSON of a credential helper")
        }
    }

    /// It becomes the name of a program.
    static func isValid(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 64
            && name.unicodeScalars.allSatisfy {
                ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
                    || "._-".unicodeScalars.contains($0)
            }
    }
}
