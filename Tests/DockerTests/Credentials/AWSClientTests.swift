import Glibc
import ModelCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Docker

/// The real AWS CLI, against moto and against an endpoint that answers what a test says.
@Suite(
    .serialized, .enabled(if: AWSTools.areWanted, "needs aws and moto_server: scripts/install-clients installs them"))
struct AWSClientTests {
    private static let keys = [
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret-marker-4711",
        "AWS_EC2_METADATA_DISABLED": "true",
    ]
    private static let host = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
    private static let login = RegistryLogin.ecr(registry: nil, region: "us-east-1")
    private static let user = "arn:aws:iam::123456789012:user/models"

    private func credentials(
        _ box: ToolBox, _ endpoint: String, _ variables: [String: String] = keys
    ) throws -> HostCredentials {
        try AWSTools.require()
        return box.credentials(
            ["PATH": "\(AWSTools.folder):/usr/bin:/bin", "AWS_ENDPOINT_URL": endpoint].merging(variables) { $1 })
    }

    @Test("moto's registry and token are found, and asked for anew each time since they expired in 2015")
    func moto() async throws {
        let box = try ToolBox()
        let moto = try await Moto(in: box)
        let credentials = try credentials(box, moto.url)
        let password = "123456789012-auth-token"
        #expect(
            try await credentials.auth(for: Self.login)
                == RegistryAuth(username: "AWS", password: password, serverAddress: Self.host))
        var spec = ECRSpec(repository: "m", container: ContainerSpec(containerPort: 80))
        spec.region = "eu-west-1"
        #expect(
            try await credentials.registry(for: spec) == "123456789012.dkr.ecr.eu-west-1.amazonaws.com")
        // Another account's registry: ECR is told which.
        spec.registry = "999999999999.dkr.ecr.us-east-1.amazonaws.com"
        #expect(try await credentials.auth(for: RegistryLogin(spec))?.password == "999999999999-auth-token")
    }

    @Test("a token is kept for half its life, and renewed when a registry has refused it")
    func keepsToken() async throws {
        let box = try ToolBox()
        let expiry = (box.time.now() + Seconds(12 * 3600)).milliseconds / 1000
        try await AWSEndpoint.run(.token("first", expiresAt: expiry, registry: Self.host)) { endpoint in
            let credentials = try credentials(box, endpoint.url)
            let first = try #require(try await credentials.auth(for: Self.login))
            #expect(first.password == "first")
            let request = try #require(endpoint.requests.first)
            #expect(request.target == "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken")
            #expect(request.authorization.contains("Credential=AKIAEXAMPLE/"))
            #expect(request.authorization.contains("/us-east-1/ecr/aws4_request"))
            endpoint.answer(.token("second", expiresAt: expiry, registry: Self.host))
            box.time.advance(by: Seconds(6 * 3600 - 1))
            #expect(try await credentials.auth(for: Self.login)?.password == "first")
            #expect(endpoint.requests.count == 1)
            #expect(try await credentials.renewed(first, for: Self.login)?.password == "second")
            #expect(endpoint.requests.count == 2)
        }
    }

    @Test(
        "what AWS refuses is told in a sentence",
        arguments: [
            (
                AWSEndpoint.Reply.error(
                    "AccessDeniedException",
                    "User: \(user) is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no "
                        + "identity-based policy allows the ecr:GetAuthorizationToken action"),
                CredentialError.terminal(
                    "AWS does not let \(user) call ecr:GetAuthorizationToken: allow ecr:GetAuthorizationToken in its IAM "
                        + "policy. docs/ecr.md has the minimal policy")
            ),
            (
                .error("ThrottlingException", "Rate exceeded"),
                .retryable("AWS answers no more for now: too many requests (GetAuthorizationToken)")
            ),
            (
                .error("UnrecognizedClientException", "The security token included in the request is invalid."),
                .terminal(
                    "AWS does not know these credentials: the access key is wrong, was deleted, or belongs to another "
                        + "partition than region us-east-1")
            ),
            (
                .error("ExpiredTokenException", "The security token included in the request is expired"),
                .terminal(
                    "the AWS credentials have expired: log in again (`aws sso login`), or renew what gives them to modelet"
                )
            ),
            (
                .error("ServerException", "", status: .internalServerError),
                .retryable("AWS has a fault of its own (ServerException of GetAuthorizationToken)")
            ),
        ])
    func refusals(reply: AWSEndpoint.Reply, error: CredentialError) async throws {
        let box = try ToolBox()
        try await AWSEndpoint.run(reply) { endpoint in
            let credentials = try credentials(box, endpoint.url, Self.keys.merging(["AWS_MAX_ATTEMPTS": "1"]) { $1 })
            #expect(try await ToolBox.error { _ = try await credentials.auth(for: Self.login) } == error)
            #expect(endpoint.requests.count == 1)
        }
    }

    @Test("what the AWS CLI lacks is told in a sentence")
    func complaints() async throws {
        let box = try ToolBox()
        func error(_ variables: [String: String], _ endpoint: String = "http://127.0.0.1:9") async throws -> String? {
            let credentials = try credentials(box, endpoint, variables)
            return try await ToolBox.error { _ = try await credentials.auth(for: .ecr(registry: nil, region: nil)) }?
                .message
        }
        let alone = ["AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"]
        #expect(try await error(alone)?.hasPrefix("there are no AWS credentials: give modelet AWS_PROFILE") == true)
        #expect(
            try await error(alone.merging(["AWS_ACCESS_KEY_ID": "x"]) { $1 })
                == "the AWS credentials are incomplete: an access key needs its secret key, and vice versa")
        #expect(
            try await error(alone.merging(["AWS_PROFILE": "nobody"]) { $1 })
                == "AWS_PROFILE names a profile that is not in the AWS configuration of modelet's user")
        #expect(
            try await error(Self.keys)
                == "no AWS region is given: write `region` in the manifest, or give modelet AWS_REGION")
        #expect(
            try await error(alone.merging(Self.keys) { $1 })
                == "ECR cannot be reached at the endpoint of the AWS CLI's default region: is the region's name right, and "
                + "can this host reach AWS?")
    }

    @Test("credentials and region come from where the AWS CLI looks for them")
    func profile() async throws {
        let box = try ToolBox()
        try box.write(
            "[profile models]\nregion = eu-central-1\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = s\n",
            to: "home/.aws/config")
        let expiry = (box.time.now() + Seconds(12 * 3600)).milliseconds / 1000
        try await AWSEndpoint.run(.token("x", expiresAt: expiry, registry: Self.host)) { endpoint in
            let credentials = try credentials(box, endpoint.url, ["AWS_PROFILE": "models"])
            let spec = ECRSpec(repository: "m", container: ContainerSpec(containerPort: 80))
            #expect(try await credentials.registry(for: spec) == Self.host)
            let authorization = try #require(endpoint.requests.first?.authorization)
            #expect(authorization.contains("Credential=AKIAPROFILE/"))
            #expect(authorization.contains("/eu-central-1/ecr/"))
        }
    }

    @Test("no secret is in what is logged, told, printed, or in any process's arguments, nor on the disk")
    func secrets() async throws {
        let box = try ToolBox()
        let expiry = (box.time.now() + Seconds(12 * 3600)).milliseconds / 1000
        // Between modelet and the real CLI: looks at every process's arguments as the CLI begins and when it has ended.
        try box.install(
            "aws",
            #"""
            look() { cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' >> "$box/arguments"; }
            look; "$AWS_REAL" "$@"; code=$?; look; exit $code
            """#)
        let variables = Self.keys.merging([
            "PATH": "\(box.path("bin")):/usr/bin:/bin", "AWS_REAL": "\(AWSTools.folder)/aws",
        ]) { $1 }
        var told: [String] = []
        try await AWSEndpoint.run(.token("token-marker-4712", expiresAt: expiry, registry: Self.host)) { endpoint in
            let credentials = try credentials(box, endpoint.url, variables)
            let auth = try #require(try await credentials.auth(for: Self.login))
            #expect(auth.password == "token-marker-4712")
            told += ["\(auth)", String(reflecting: auth), "\(credentials)", String(reflecting: credentials)]
            var dumped = ""
            dump(auth, to: &dumped)
            dump(credentials, to: &dumped)
            told.append(dumped)
            for type in ["AccessDeniedException", "StrangeException"] {
                endpoint.answer(.error(type, "for secret-marker-4711 and token-marker-4712"))
                box.time.advance(by: Seconds(6 * 3600))
                let error = try await ToolBox.error { _ = try await credentials.auth(for: Self.login) }
                told.append(error.map { "\($0)" } ?? "")
            }
        }
        told.append(box.log.text)
        told.append(box.read("arguments"))
        #expect(box.read("arguments").contains("get-authorization-token"))
        #expect(box.log.text.contains("cannot refresh the token"))
        let token = ToolBox.base64("AWS:token-marker-4712")
        for text in told {
            for secret in ["marker-4711", "marker-4712", token] { #expect(!text.contains(secret)) }
        }
        #expect(try box.filesContaining(["token-marker", token]).isEmpty)
    }
}

/// Programs that `make test` installs beside the other clients that nobody here wrote.
enum AWSTools {
    static let folder = sources + "/.build-tools/clients/bin"

    /// Where they have to be there, a test that lacks them fails and is not skipped.
    static let areWanted = areInstalled || getenv("MODELET_REQUIRE_DOCKER").map { String(cString: $0) } == "1"

    private static let areInstalled = ["aws", "moto_server"].allSatisfy { access("\(folder)/\($0)", X_OK) == 0 }

    /// The folder of the package.
    private static let sources = String(
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/"))

    static func require() throws {
        try #require(areInstalled, "aws and moto_server are missing: scripts/install-clients installs them")
    }
}

/// A `moto_server` of the test's own, ended with the last reference.
private final class Moto: Sendable {
    let url: String
    private let pid: Int32

    init(in box: ToolBox) async throws {
        try AWSTools.require()
        let log = box.path("moto.log")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let program = "\(AWSTools.folder)/moto_server"
        let command: [String] = [program, "-H", "127.0.0.1", "-p", "0"]
        let environment: [String] = ["PATH=/usr/bin:/bin", "HOME=\(box.home)", "PYTHONUNBUFFERED=1"]
        let arguments = command.map { strdup($0) } + [nil]
        let variables = environment.map { strdup($0) } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var child: pid_t = 0
        guard posix_spawn(&child, program, &actions, nil, arguments, variables) == 0 else {
            throw ToolBox.Failure(what: "start moto_server")
        }
        pid = child
        var found: Substring?
        do {
            try await ToolBox.eventually("moto_server listens") {
                let said = box.read("moto.log")
                guard let start = said.firstRange(of: "Running on http://")?.upperBound else { return false }
                found = said[start...].prefix { !$0.isWhitespace }
                return true
            }
        } catch {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
            throw error
        }
        url = "http://\(found ?? "")"
    }

    deinit {
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }
}

extension ToolBox {
    /// The files of the tool box in which one of these texts is.
    fileprivate func filesContaining(_ texts: [String]) throws -> [String] {
        guard let list = popen("find '\(directory.path)' -type f", "re") else { throw Failure(what: "find") }
        defer { pclose(list) }
        var found: [String] = []
        var line = [CChar](repeating: 0, count: 4096)
        while fgets(&line, Int32(line.count), list) != nil {
            let path = String(
                decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let contents = String(decoding: try SmallFile.read(path, limit: 1 << 24), as: UTF8.self)
            if texts.contains(where: { contents.contains($0) }) { found.append(path) }
        }
        return found
    }
}
