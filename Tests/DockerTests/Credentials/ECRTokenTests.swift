import Glibc
import ModelCore
import TestSupport
import Testing

@testable import Docker

/// The memory of tokens, over an `aws` and a `docker-credential-ecr-login` of the test's own.
@Suite struct ECRTokenTests {
    private static let host = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
    private static let login = RegistryLogin.ecr(registry: nil, region: "us-east-1")

    /// An `aws` that counts its calls, and answers with what lies in a file, or fails with it.
    private func box() throws -> ToolBox {
        let box = try ToolBox()
        try box.install(
            "aws",
            #"""
            echo "$*" >> "$box/calls"
            while [ -e "$box/hold" ]; do sleep 0.01; done
            if [ -e "$box/failure" ]; then cat "$box/failure" >&2; exit 255; fi
            cat "$box/answer"
            """#)
        return box
    }

    /// Lets the next calls answer with this password, good for `life` from now on.
    private func answer(_ box: ToolBox, _ password: String, life: Seconds = Seconds(12 * 3600)) throws {
        unlink(box.path("failure"))
        let token = ToolBox.base64("AWS:\(password)")
        let expiry = (box.time.now() + life).milliseconds / 1000
        try box.write(
            """
            {"authorizationData": [{"authorizationToken": "\(token)", "expiresAt": \(expiry),
            "proxyEndpoint": "https://\(Self.host)"}]}
            """, to: "answer")
    }

    private func fail(_ box: ToolBox, _ code: String = "ThrottlingException") throws {
        try box.write("An error occurred (\(code)) when calling the GetAuthorizationToken operation: x", to: "failure")
    }

    private func auth(_ password: String, at host: String = host) -> RegistryAuth {
        RegistryAuth(username: "AWS", password: password, serverAddress: host)
    }

    @Test("a token is asked for once, and again from half its life on")
    func refreshesAtHalfLife() async throws {
        let box = try box()
        let credentials = box.credentials()
        try answer(box, "first")
        #expect(try await credentials.auth(for: Self.login) == auth("first"))
        try answer(box, "second")
        box.time.advance(by: Seconds(6 * 3600 - 1))
        #expect(try await credentials.auth(for: Self.login) == auth("first"))
        #expect(box.lines("calls").count == 1)
        box.time.advance(by: 1)
        #expect(try await credentials.auth(for: Self.login) == auth("second"))
        #expect(try await credentials.auth(for: Self.login) == auth("second"))
        #expect(box.lines("calls").count == 2)
        #expect(box.log.text.isEmpty)
    }

    @Test("while a refresh fails, the token at hand is used until it expires, and AWS is asked once a minute")
    func usesTokenWhileRefreshFails() async throws {
        let box = try box()
        let credentials = box.credentials()
        try answer(box, "first")
        _ = try await credentials.auth(for: Self.login)
        try fail(box)
        box.time.advance(by: Seconds(6 * 3600))
        for _ in 1...3 { #expect(try await credentials.auth(for: Self.login) == auth("first")) }
        #expect(box.lines("calls").count == 2)
        #expect(box.log.count == 1)
        #expect(box.log.text.contains("error=AWS answers no more for now: too many requests"))
        box.time.advance(by: 60)
        #expect(try await credentials.auth(for: Self.login) == auth("first"))
        #expect(box.lines("calls").count == 3)
        // At its end it is no use any more.
        box.time.advance(by: Seconds(6 * 3600 - 60))
        let error = try await ToolBox.error { _ = try await credentials.auth(for: Self.login) }
        #expect(error == .retryable("AWS answers no more for now: too many requests (GetAuthorizationToken)"))
        try answer(box, "second")
        #expect(try await credentials.auth(for: Self.login) == auth("second"))
    }

    @Test("a token that has expired as it comes is used once, and no call follows by itself")
    func expiredOnArrival() async throws {
        let box = try box()
        let credentials = box.credentials()
        try answer(box, "old", life: -100)
        #expect(try await credentials.auth(for: Self.login) == auth("old"))
        #expect(box.lines("calls").count == 1)
        #expect(try await credentials.auth(for: Self.login) == auth("old"))
        #expect(box.lines("calls").count == 2)
        // The registry's name does not expire.
        var spec = ECRSpec(repository: "m", container: ContainerSpec(containerPort: 80))
        spec.region = "us-east-1"
        #expect(try await credentials.registry(for: spec) == Self.host)
        #expect(box.lines("calls").count == 2)
    }

    @Test("fifty who ask at once start one program")
    func oneFlight() async throws {
        let box = try box()
        let credentials = box.credentials()
        try answer(box, "first")
        try box.write("", to: "hold")
        let found = try await withThrowingTaskGroup(of: RegistryAuth?.self) { group in
            for _ in 1...50 { group.addTask { try await credentials.auth(for: Self.login) } }
            try await ToolBox.eventually("the program runs") { !box.lines("calls").isEmpty }
            unlink(box.path("hold"))
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(found == Array(repeating: auth("first"), count: 50))
        #expect(box.lines("calls").count == 1)
    }

    @Test("a failure is everybody's who waited, and nobody's who asks later")
    func sharedFailure() async throws {
        let box = try box()
        let credentials = box.credentials()
        try fail(box, "AccessDeniedException")
        try box.write("", to: "hold")
        let errors = try await withThrowingTaskGroup(of: CredentialError?.self) { group in
            for _ in 1...5 {
                group.addTask { try await ToolBox.error { _ = try await credentials.auth(for: Self.login) } }
            }
            try await ToolBox.eventually("the program runs") { !box.lines("calls").isEmpty }
            unlink(box.path("hold"))
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(errors.count == 5)
        #expect(errors.allSatisfy { $0?.classification == .terminal })
        try answer(box, "first")
        #expect(try await credentials.auth(for: Self.login) == auth("first"))
    }

    @Test("who gives up waiting takes the token from nobody")
    func cancelledAsker() async throws {
        let box = try box()
        let credentials = box.credentials()
        try answer(box, "first")
        try box.write("", to: "hold")
        let impatient = Task { try? await credentials.auth(for: Self.login) }
        try await ToolBox.eventually("the program runs") { !box.lines("calls").isEmpty }
        impatient.cancel()
        let patient = Task { try await credentials.auth(for: Self.login) }
        unlink(box.path("hold"))
        #expect(try await patient.value == auth("first"))
        _ = await impatient.value
        #expect(box.lines("calls").count == 1)
    }

    @Test("a token that a registry refuses is replaced once, however many were refused with it")
    func renews() async throws {
        let box = try box()
        let credentials = box.credentials()
        try answer(box, "first")
        let refused = try #require(try await credentials.auth(for: Self.login))
        // Nothing else is there.
        #expect(try await credentials.renewed(refused, for: Self.login) == nil)
        try answer(box, "second")
        #expect(try await credentials.renewed(refused, for: Self.login) == auth("second"))
        let calls = box.lines("calls").count
        #expect(try await credentials.renewed(refused, for: Self.login) == auth("second"))
        #expect(box.lines("calls").count == calls)
    }

    @Test("a refused token is not used again because no other can be had")
    func refusedIsGone() async throws {
        let box = try box()
        let credentials = box.credentials()
        try answer(box, "first")
        let refused = try #require(try await credentials.auth(for: Self.login))
        try fail(box)
        for _ in 1...2 {
            let error = try await ToolBox.error { _ = try await credentials.renewed(refused, for: Self.login) }
            #expect(error == .retryable("AWS answers no more for now: too many requests (GetAuthorizationToken)"))
        }
    }

    @Test("another identity gets a token of its own")
    func newIdentity() async throws {
        let box = try box()
        let credentials = box.credentials()
        try answer(box, "first")
        _ = try await credentials.auth(for: Self.login)
        try answer(box, "second")
        #expect(try await credentials.auth(for: Self.login) == auth("first"))
        try box.write("[default]\n", to: "home/.aws/credentials")
        #expect(try await credentials.auth(for: Self.login) == auth("second"))
        // The first one's would be somebody else's.
        try fail(box)
        try box.write("[other]\n", to: "home/.aws/credentials")
        let error = try await ToolBox.error { _ = try await credentials.auth(for: Self.login) }
        #expect(error?.classification == .retryable)
    }

    @Test("each variable and file that tells who we are is part of the identity, and nothing else is")
    func identity() throws {
        let box = try ToolBox()
        func identity(_ variables: [String: String]) -> AWSIdentity {
            AWSIdentity(environment: variables, home: box.home)
        }
        let plain = identity(["PATH": "/bin"])
        #expect(plain == identity(["PATH": "/usr/bin", "TERM": "x"]))
        #expect(plain != identity(["AWS_PROFILE": "x"]))
        #expect(identity(["AWS_PROFILE": "x"]) != identity(["AWS_PROFILE": "y"]))
        try box.write("x", to: "elsewhere")
        let elsewhere = ["AWS_CONFIG_FILE": box.path("elsewhere")]
        let before = identity(elsewhere)
        try box.write("x", to: "elsewhere")
        #expect(before != identity(elsewhere))
        try box.write("x", to: "home/.aws/config")
        #expect(plain != identity(["PATH": "/bin"]))
    }

    @Test("the registry is the manifest's to the letter, else the one that ECR names")
    func registries() async throws {
        let box = try box()
        let credentials = box.credentials()
        try answer(box, "first")
        var spec = ECRSpec(repository: "m", container: ContainerSpec(containerPort: 80))
        spec.registry = "123456789012.dkr-ecr-fips.us-west-2.on.aws"
        #expect(try await credentials.registry(for: spec) == "123456789012.dkr-ecr-fips.us-west-2.on.aws")
        #expect(box.lines("calls").isEmpty)
        #expect(
            try await credentials.auth(for: RegistryLogin(spec))
                == auth("first", at: "123456789012.dkr-ecr-fips.us-west-2.on.aws"))
        spec.registry = nil
        #expect(try await credentials.registry(for: spec) == Self.host)
        spec.region = "eu-west-1"
        #expect(try await credentials.registry(for: spec) == Self.host)
        let options = "ecr get-authorization-token --output json --cli-connect-timeout 4 --cli-read-timeout 10"
        #expect(
            box.lines("calls") == [
                "\(options) --region us-west-2 --registry-ids 123456789012", options, "\(options) --region eu-west-1",
            ])
    }

    @Test("docker-credential-ecr-login is asked first where the registry is known, and keeps nothing on the disk")
    func helper() async throws {
        let box = try box()
        let credentials = box.credentials()
        try answer(box, "from aws")
        try box.install(
            "docker-credential-ecr-login",
            #"""
            echo "$(cat) $AWS_ECR_DISABLE_CACHE" >> "$box/helped"
            echo '{"ServerURL": "x", "Username": "AWS", "Secret": "from helper"}'
            """#)
        let known = RegistryLogin.ecr(registry: Self.host, region: nil)
        #expect(try await credentials.auth(for: known) == auth("from helper"))
        #expect(box.lines("helped") == ["\(Self.host) true"])
        // It does not say how long its token lives: twelve hours, by the documentation.
        box.time.advance(by: Seconds(6 * 3600 - 1))
        _ = try await credentials.auth(for: known)
        #expect(box.lines("helped").count == 1)
        box.time.advance(by: 1)
        _ = try await credentials.auth(for: known)
        #expect(box.lines("helped").count == 2)
        #expect(box.lines("calls").isEmpty)
        // It is asked about hosts: without one, only the CLI can tell.
        #expect(try await credentials.auth(for: Self.login) == auth("from aws"))
        #expect(box.lines("helped").count == 2)
    }

    @Test(
        "where the helper knows nothing, the AWS CLI is asked",
        arguments: [
            "echo 'credentials not found in native keychain'; exit 1", "exit 127", "echo x",
        ])
    func helperWithout(script: String) async throws {
        let box = try box()
        try answer(box, "from aws")
        try box.install("docker-credential-ecr-login", script)
        let login = RegistryLogin.ecr(registry: "127.0.0.1:5000", region: nil)
        #expect(try await box.credentials().auth(for: login) == auth("from aws", at: "127.0.0.1:5000"))
    }

    @Test("what is missing on this host is named")
    func nothingInstalled() async throws {
        let box = try ToolBox()
        // Neither this machine's.
        let credentials = box.credentials(["PATH": box.path("bin")])
        let known = RegistryLogin.ecr(registry: Self.host, region: nil)
        #expect(
            try await ToolBox.error { _ = try await credentials.auth(for: Self.login) }
                == .terminal(
                    "the AWS CLI is not installed (apt-get install awscli), and only it can tell the registry's host; "
                        + "with `registry` in the manifest, docker-credential-ecr-login does as well"))
        #expect(
            try await ToolBox.error { _ = try await credentials.auth(for: known) }
                == .terminal(
                    "neither docker-credential-ecr-login nor the AWS CLI is in the PATH of modelet: install one of them "
                        + "(apt-get install amazon-ecr-credential-helper, or awscli)"))
        try box.install("docker-credential-ecr-login", "echo 'credentials not found in native keychain'; exit 1")
        #expect(
            try await ToolBox.error { _ = try await credentials.auth(for: known) }
                == .retryable(
                    "docker-credential-ecr-login gave no credentials for \(Self.host): ~/.ecr/log has its reasons, and "
                        + "with the AWS CLI installed modelet can name them"))
    }

    @Test(
        "an AWS CLI that hangs, or answers with something else, is told",
        arguments: [
            (
                "while :; do sleep 1000; done",
                CredentialError.retryable("the AWS CLI has not answered within 1.0 seconds")
            ),
            ("echo marker-4711", .retryable("the AWS CLI answered without a token for ECR")),
            ("echo {}", .retryable("the AWS CLI answered without a token for ECR")),
            ("exec yes marker-4711", .retryable("the AWS CLI wrote more than a token takes")),
        ])
    func strangeCLI(script: String, error: CredentialError) async throws {
        let box = try ToolBox()
        try box.install("aws", script)
        let limits = script.hasPrefix("while") ? CredentialLimits(helper: .seconds(1), cli: .seconds(1)) : .generous
        let credentials = box.credentials(limits: limits)
        #expect(try await ToolBox.error { _ = try await credentials.auth(for: Self.login) } == error)
    }

    @Test("an answer that names no registry needs one in the manifest")
    func namelessRegistry() async throws {
        let box = try box()
        try box.write(
            #"{"authorizationData": [{"authorizationToken": "\#(ToolBox.base64("AWS:x"))"}]}"#, to: "answer")
        let error = try await ToolBox.error { _ = try await box.credentials().auth(for: Self.login) }
        #expect(error == .terminal("ECR's answer names no registry: write `registry` in the manifest"))
    }
}
