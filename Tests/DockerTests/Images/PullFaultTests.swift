import Docker
import ModelCore
import Testing

/// What engines said when a pull failed, as they said it.
@Suite struct PullFaultTests {
    struct Saying: Sendable, CustomTestStringConvertible {
        var fault: PullFault
        var status: Int
        var message: String
        var testDescription: String { message }
    }

    /// Docker 20.10, with the image store that it was made with.
    static let docker: [Saying] = [
        Saying(
            fault: .denied, status: 404,
            message: "pull access denied for team/model, repository does not exist or may require 'docker login': "
                + "denied: requested access to the resource is denied"),
        Saying(
            fault: .absent, status: 404,
            message: "manifest for 127.0.0.1:5000/team/model:1 not found: manifest unknown: manifest unknown"),
        Saying(
            fault: .absent, status: 404,
            message: "manifest for 127.0.0.1:5000/team/model@sha256:00 not found: manifest unknown: manifest unknown"),
        Saying(
            fault: .denied, status: 500,
            message: #"Head "http://127.0.0.1:5001/v2/team/model/manifests/1": no basic auth credentials"#),
        Saying(fault: .denied, status: 500, message: "unauthorized: authentication required"),
        Saying(
            fault: .denied, status: 500,
            message: #"Get "https://r.test/v2/": unauthorized: incorrect username or password"#),
        Saying(
            fault: .denied, status: 500,
            message: "unauthorized: unauthorized to access repository: team/model, action: pull"),
        Saying(
            fault: .denied, status: 500, message: #"Head "https://ghcr.io/v2/team/model/manifests/1": denied: denied"#),
        Saying(
            fault: .denied, status: 500,
            message: "error parsing HTTP 403 response body: invalid character '<' looking for beginning of value: "
                + #""<html>…""#),
        Saying(
            fault: .rateLimited, status: 500,
            message: "toomanyrequests: You have reached your pull rate limit. You may increase the limit by "
                + "authenticating and upgrading: https://www.docker.com/increase-rate-limit"),
        Saying(
            fault: .passing, status: 500,
            message: #"Get "http://127.0.0.1:5009/v2/": dial tcp 127.0.0.1:5009: connect: connection refused"#),
        Saying(
            fault: .passing, status: 500,
            message: #"Get "https://r.invalid/v2/": dial tcp: lookup r.invalid on 127.0.0.53:53: no such host"#),
        Saying(
            fault: .passing, status: 500,
            message: #"Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: "#
                + "dial udp 10.0.0.1:53: connect: network is unreachable"),
        Saying(
            fault: .passing, status: 500,
            message: #"Get "https://r.test/v2/": dial tcp 10.9.9.9:443: i/o timeout"#),
        Saying(
            fault: .passing, status: 500,
            message: #"Get "https://r.test/v2/": net/http: request canceled while waiting for connection "#
                + "(Client.Timeout exceeded while awaiting headers)"),
        Saying(fault: .passing, status: 500, message: #"Get "https://r.test/v2/": net/http: TLS handshake timeout"#),
        Saying(fault: .passing, status: 500, message: "received unexpected HTTP status: 503 Service Unavailable"),
        Saying(fault: .passing, status: 500, message: "unexpected EOF"),
        Saying(
            fault: .untrusted, status: 500,
            message: #"Get "https://r.test/v2/": x509: certificate signed by unknown authority"#),
        Saying(
            fault: .passing, status: 500,
            message: #"Get "https://r.test/v2/": x509: certificate has expired or is not yet valid: current time "#
                + "1970-01-01T00:00:09Z is before 2026-01-01T00:00:00Z"),
        Saying(
            fault: .untrusted, status: 500,
            message: #"Get "https://10.0.0.5:5000/v2/": http: server gave HTTP response to HTTPS client"#),
        Saying(
            fault: .diskFull, status: 200,
            message: "failed to register layer: Error processing tar file(exit status 1): write /model.bin: no space "
                + "left on device"),
        Saying(
            fault: .diskFull, status: 200,
            message: "write /var/lib/docker/tmp/GetImageBlob840116545: no space left on device"),
        Saying(
            fault: .diskFull, status: 200,
            message: "write /var/lib/docker/tmp/GetImageBlob123456789: disk quota exceeded"),
        Saying(
            fault: .wrongPlatform, status: 404,
            message: "no matching manifest for linux/arm64/v8 in the manifest list entries"),
        Saying(
            fault: .wrongPlatform, status: 200,
            message: #"image operating system "windows" cannot be used on this platform"#),
        Saying(
            fault: .unusable, status: 400, message: "invalid reference format: repository name must be lowercase"),
    ]

    /// Docker 25 and newer, most of them with containerd's image store.
    static let newerDocker: [Saying] = [
        Saying(
            fault: .absent, status: 404,
            message: #"failed to resolve reference "docker.io/team/model:1": docker.io/team/model:1: not found"#),
        Saying(
            fault: .denied, status: 404,
            message: #"failed to resolve reference "docker.io/team/model:1": pull access denied, repository does not "#
                + "exist or may require authorization: server message: insufficient_scope: authorization failed"),
        Saying(
            fault: .denied, status: 500,
            message: #"failed to resolve reference "r.test/team/model:1": unexpected status from HEAD request to "#
                + "https://r.test/v2/team/model/manifests/1: 401 Unauthorized"),
        Saying(
            fault: .denied, status: 500,
            message: #"failed to resolve reference "r.test/team/model:1": failed to authorize: failed to fetch "#
                + "anonymous token: unexpected status from GET request to https://r.test/token: 403 Forbidden"),
        Saying(
            fault: .denied, status: 500,
            message: #"error from registry: unauthorized: authentication required"#),
        Saying(
            fault: .passing, status: 500,
            message: #"failed to resolve reference "r.test/team/model:1": unexpected status from HEAD request to "#
                + "https://r.test/v2/team/model/manifests/1: 500 Internal Server Error"),
        Saying(
            fault: .passing, status: 500,
            message: #"failed to resolve reference "r.test/team/model:1": failed to do request: Head "#
                + #""https://r.test/v2/team/model/manifests/1": dial tcp: lookup r.test: no such host"#),
        Saying(
            fault: .rateLimited, status: 200,
            message: "failed to copy: httpReadSeeker: failed open: unexpected status code "
                + "https://registry-1.docker.io/v2/team/model/blobs/sha256:00: 429 Too Many Requests - Server message: "
                + "toomanyrequests: You have reached your unauthenticated pull rate limit."),
        Saying(
            fault: .diskFull, status: 200,
            message: "failed to extract layer (application/vnd.oci.image.layer.v1.tar+gzip sha256:00) to overlayfs as "
                + #""extract-1 sha256:00": write /var/lib/containerd/x: no space left on device: unknown"#),
        Saying(
            fault: .wrongPlatform, status: 404,
            message: #"failed to unpack image on snapshotter overlayfs: no match for platform in manifest: not found"#),
        Saying(
            fault: .untrusted, status: 500,
            message: #"failed to resolve reference "r.test/team/model:1": failed to do request: Head "#
                + #""https://r.test/v2/team/model/manifests/1": tls: failed to verify certificate: x509: certificate "#
                + "signed by unknown authority"),
        Saying(
            fault: .unusable, status: 500,
            message: "not implemented: media type \"application/vnd.docker.distribution.manifest.v1+prettyjws\" is no "
                + "longer supported since containerd v2.1"),
    ]

    /// Amazon ECR's words, through Docker.
    static let ecr: [Saying] = [
        Saying(
            fault: .absent, status: 404,
            message: "name unknown: The repository with name 'team/model' does not exist in the registry with id "
                + "'123456789012'"),
        Saying(
            fault: .denied, status: 404,
            message: "pull access denied for 123456789012.dkr.ecr.us-east-1.amazonaws.com/team/model, repository does "
                + "not exist or may require 'docker login': denied: Your authorization token has expired. "
                + "Reauthenticate and try again."),
        Saying(
            fault: .denied, status: 404,
            message: "pull access denied for 123456789012.dkr.ecr.us-east-1.amazonaws.com/team/model, repository does "
                + "not exist or may require 'docker login': denied: User: arn:aws:sts::123456789012:assumed-role/ml/i-0 "
                + "is not authorized to perform: ecr:BatchGetImage on resource: "
                + "arn:aws:ecr:us-east-1:123456789012:repository/team/model because no identity-based policy allows "
                + "the ecr:BatchGetImage action"),
    ]

    static let podman: [Saying] = [
        Saying(
            fault: .untrusted, status: 200,
            message: "initializing source docker://127.0.0.1:5000/team/model:1: pinging container registry "
                + #"127.0.0.1:5000: Get "https://127.0.0.1:5000/v2/": http: server gave HTTP response to HTTPS client"#),
        Saying(
            fault: .denied, status: 200,
            message: "initializing source docker://127.0.0.1:5001/team/model:1: reading manifest 1 in "
                + "127.0.0.1:5001/team/model: unauthorized: authentication required"),
        Saying(
            fault: .absent, status: 500,
            message: "initializing source docker://r.test/team/model:1: reading manifest 1 in r.test/team/model: "
                + "manifest unknown"),
        Saying(
            fault: .denied, status: 500,
            message: "initializing source docker://team/model:1: reading manifest 1 in docker.io/team/model: "
                + "requested access to the resource is denied"),
        Saying(
            fault: .unusable, status: 500,
            message: #"short-name "model:1" did not resolve to an alias and no unqualified-search registries are "#
                + #"defined in "/etc/containers/registries.conf""#),
        Saying(
            fault: .passing, status: 500,
            message: "initializing source docker://127.0.0.1:5009/team/model:1: pinging container registry "
                + #"127.0.0.1:5009: Get "https://127.0.0.1:5009/v2/": dial tcp 127.0.0.1:5009: connect: connection "#
                + "refused"),
    ]

    private static let reference = ImageReference(registry: "r.test", repository: "team/model", tag: "1")

    @Test(arguments: docker + newerDocker + ecr + podman) func whatEnginesSayIsUnderstood(_ saying: Saying) {
        let error = EngineError.refused(status: saying.status, message: saying.message)
        #expect(PullFault(error, of: Self.reference) == saying.fault)
    }

    @Test(arguments: [
        (400, PullFault.unusable), (401, .denied), (403, .denied), (404, .absent), (429, .rateLimited), (500, .passing),
        (503, .passing),
    ]) func unknownWordsAreJudgedByTheStatus(_ status: Int, _ fault: PullFault) {
        #expect(PullFault(.refused(status: status, message: "nie gehört"), of: Self.reference) == fault)
    }

    @Test(arguments: ["r.test/toomanyrequests/model:1", "r.test/team/x509:1", "r.test/team/model:i-o-timeout"])
    func whatTheImageIsCalledIsNoneOfTheEnginesWords(_ name: String) throws {
        let message = "manifest for \(name) not found: manifest unknown: manifest unknown"
        #expect(PullFault(.refused(status: 404, message: message), of: try ImageReference(name)) == .absent)
    }

    @Test(arguments: [
        EngineError.unreachable("nobody listens at /var/run/docker.sock"),
        .timedOut(call: "POST /images/create", after: .seconds(300)), .malformed("no JSON"),
    ]) func anEngineThatIsNotWellIsTriedAgain(_ error: EngineError) {
        #expect(PullFault(error, of: Self.reference) == .passing)
        #expect(PullFault.passing.classification == .retryable)
    }

    // MARK: - Sentences

    private static func sentence(
        _ message: String, status: Int = 404, login: RegistryLogin = .docker(registry: "r.test", given: nil),
        of reference: ImageReference = reference
    ) -> LoadFailure {
        PullFault.failure(
            .refused(status: status, message: message),
            of: WantedImage(place: .named(reference), label: "r.test/team/model:1", login: login),
            reference: reference, at: Timestamp(milliseconds: 7))
    }

    @Test func sentencesSayWhatToDo() throws {
        let hub = try ImageReference("team/model:1")
        let hubLogin = RegistryLogin.docker(registry: "docker.io", given: nil)
        #expect(Self.sentence("unauthorized").message.contains("`docker login r.test`"))
        #expect(Self.sentence("unauthorized", login: hubLogin, of: hub).message.contains("`docker login`"))
        #expect(
            Self.sentence("unauthorized", login: .docker(registry: "r.test", given: "secret")).message
                .contains("`registry_auth`"))
        #expect(Self.sentence("manifest unknown").message.contains("spelling"))
        #expect(
            Self.sentence(Self.ecr[2].message, login: .ecr(registry: nil, region: nil)).message
                .contains("allow ecr:BatchGetImage in its IAM policy"))
        #expect(
            Self.sentence("x509: unknown authority").message.contains("/etc/docker/certs.d/r.test/ca.crt"))
        #expect(Self.sentence("no space left on device").message.contains("disk of the engine is full"))
    }

    @Test func theRegistryIsNamedWhereTheManifestDoesNot() throws {
        func sentence(_ name: String) throws -> String {
            let reference = try ImageReference(name)
            return PullFault.failure(
                .refused(status: 404, message: "manifest unknown"),
                of: WantedImage(
                    place: .named(reference), label: name, login: .docker(registry: reference.registry, given: nil)),
                reference: reference, at: Timestamp(milliseconds: 1)
            ).message
        }
        #expect(try sentence("team/model:1").hasPrefix("there is no image team/model:1 to pull from docker.io: "))
        #expect(try sentence("r.test/team/model:1").hasPrefix("there is no image r.test/team/model:1 to pull: "))
    }

    @Test func secretsAreNoPartOfThem() {
        let failure = Self.sentence("unauthorized", login: .docker(registry: "r.test", given: "s3cret"))
        #expect(!failure.message.contains("s3cret"))
    }

    @Test func onlySomeOfWhatAnEngineSaysIsRepeated() {
        let page = String(repeating: "<html>\n", count: 10_000)
        let failure = Self.sentence(page, status: 500)
        #expect(failure.message.count < 1000)
        #expect(!failure.message.contains("\n"))
        #expect(failure.classification == .retryable)
        #expect(failure.at == Timestamp(milliseconds: 7))
    }
}
