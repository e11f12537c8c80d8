internal import FoundationEssentials
internal import ModelCore

/// A token of ECR: what it says, the registry that it came with, and how long it is good for.
struct ECRToken: Hashable, Sendable {
    var login: UserAndPassword
    /// The host of the registry that ECR names for it; `nil` where a credential helper gave the token.
    var registry: String?
    var obtainedAt: Timestamp
    var expiresAt: Timestamp

    /// How long a token is good for by ECR's documentation, where the answer does not say it.
    static let documentedLifetime = Seconds(12 * 3600)

    func isGood(at now: Timestamp) -> Bool { now < expiresAt && obtainedAt <= now }

    /// From the middle of its life on it is time for another one: then half of it is left to get one in.
    func isDue(at now: Timestamp) -> Bool {
        let life = expiresAt - obtainedAt
        return now >= obtainedAt + Seconds(milliseconds: life.milliseconds / 2) || !isGood(at: now)
    }

    func auth(registry host: String) -> RegistryAuth { login.auth(server: host) }
}

/// The answer of `GetAuthorizationToken`, as the AWS CLI prints it.
struct AuthorizationAnswer: Decodable {
    private struct Datum: Decodable {
        var authorizationToken: String?
        var expiresAt: Moment?
        var proxyEndpoint: String?
    }

    /// Seconds since 1970, or ISO 8601: what the CLI prints depends on its version and its configuration.
    private struct Moment: Decodable {
        var time: Timestamp?

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let seconds = try? value.decode(Double.self) {
                // Beyond this a Double is no whole number of milliseconds any more, nor is it a time.
                time = seconds.magnitude < 1e12 ? Timestamp(milliseconds: Int64(seconds * 1000)) : nil
            } else {
                time = Timestamp(iso8601: (try? value.decode(String.self)) ?? "")
            }
        }
    }

    private var authorizationData: [Datum]?

    /// `nil` where the text is not of that form.
    init?(json: String) {
        guard let answer = try? JSONDecoder().decode(Self.self, from: Data(json.utf8)) else { return nil }
        self = answer
    }

    /// The token; `nil` where the answer has none.
    func token(obtainedAt now: Timestamp) -> ECRToken? {
        guard let datum = authorizationData?.first, let text = datum.authorizationToken,
            let login = UserAndPassword(base64: text)
        else { return nil }
        return ECRToken(
            login: login, registry: datum.proxyEndpoint.map(DockerConfiguration.host), obtainedAt: now,
            expiresAt: datum.expiresAt?.time ?? now + ECRToken.documentedLifetime)
    }
}
