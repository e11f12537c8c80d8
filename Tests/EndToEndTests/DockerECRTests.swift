import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Models from Amazon ECR: tokens from moto or from an endpoint that speaks as AWS does, by the real AWS CLI, and
    /// Debian's registry, which lets in whoever has such a token.
    @Suite(.needs(.engine, .registry, .aws)) struct DockerECR {
        /// The example of docs/model-loading-strategies.md, byte for byte. It names no registry: ECR's answer does.
        @Test func theDocumentsExampleWorksAsWritten() async throws {
            try await TestHost.run(.container) { host in
                let registry = try await PrivateRegistry(account: .ecr)
                try await host.engine?.publish(
                    "ml-models/prediction-service:latest", in: registry, account: .ecr, unlike: "ecr")
                let aws = try await FakeAWS(on: host, registries: ["us-east-1": registry.host])
                let example = "/manifests/model_loading_examples/ecr_model.yaml"
                try host.write(readFile(TestHost.sources + example), to: "model_loading_examples/ecr_model.yaml")
                let daemon = try await host.serve(environment: aws.environment())
                let answer = try await daemon.predict("model_loading_examples/ecr_model")
                #expect(answer.status == 200, "\(answer.body)")
                #expect(answer.headers["x-modelet-served-by"] == "instance")
                let run = try await host.sqlite("SELECT port, image FROM instances")
                #expect(run.hasPrefix("8503|\(registry.host)/ml-models/prediction-service@sha256:"), "\(run)")

                // The token is nowhere but in modelet's memory.
                let secret = PrivateRegistry.Account.ecr.password
                #expect(!(daemon.process.output + daemon.process.errors).contains(secret))
                let found = try await host.run(
                    ["grep", "--recursive", "--files-with-matches", "-e", secret, "-e", "QVdTOjEyMzQ1Njc4OTAxMi1hdXRo"]
                        + [host.state, host.manifests])
                #expect(found.output == "")
                #expect(access(host.dockerConfiguration, F_OK) != 0, "the user's Docker configuration is not made")
            }
        }

        /// moto's token expired in 2015, and its registry is nowhere: the manifest says where.
        @Test func aTokenOfMotoOpensTheRegistryThatTheManifestNames() async throws {
            try await TestHost.run(.container) { host in
                let registry = try await PrivateRegistry(account: .ecr)
                try await host.engine?.publish("team/model:v1", in: registry, account: .ecr, unlike: "moto")
                let moto = try await FakeAWS(moto: host)
                try host.writeECR(repository: "team/model", tag: "v1", registry: registry.host)
                let daemon = try await host.serve(environment: moto.environment())
                let answer = try await daemon.predict()
                #expect(answer.status == 200, "\(answer.body)")
            }
        }

        @Test func oneTokenServesManyModelsAndIsRefreshedInTheMiddleOfItsLife() async throws {
            try await TestHost.run(.container) { host in
                let registry = try await PrivateRegistry(account: .ecr)
                let aws = try await FakeAWS(on: host, registries: ["us-east-1": registry.host], lifetime: 20)
                for name in ["a", "b", "c"] {
                    try await host.engine?.publish("team/\(name):v1", in: registry, account: .ecr, unlike: name)
                }
                for name in ["a", "b"] { try host.writeECR(name, repository: "team/\(name)", tag: "v1") }
                let daemon = try await host.serve(environment: aws.environment())
                for name in ["a", "b"] { #expect(try await daemon.predict("test/\(name)").status == 200) }
                #expect(aws.tokens == ["token for READER in us-east-1"])

                let started = ContinuousClock.now
                try await eventually("the token is past the middle of its life") {
                    ContinuousClock.now > started + .seconds(11)
                }
                try host.writeECR("c", repository: "team/c", tag: "v1")
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                #expect(try await daemon.predict("test/c").status == 200)
                try await eventually("another one was fetched") { aws.tokens.count == 2 }
            }
        }

        @Test func theWrongRegionAndTheWrongRepositoryFailForGoodWithAName() async throws {
            try await TestHost.run(.container) { host in
                let registry = try await PrivateRegistry(account: .ecr)
                let empty = try await PrivateRegistry(account: .ecr)
                try await host.engine?.publish("team/here:v1", in: registry, account: .ecr, unlike: "here")
                let aws = try await FakeAWS(
                    on: host, registries: ["us-east-1": registry.host, "eu-west-1": empty.host])
                try host.writeECR("region", repository: "team/here", tag: "v1", region: "eu-west-1")
                try host.writeECR("repository", repository: "team/elsewhere", tag: "v1")
                try host.writeECR("tag", repository: "team/here", tag: "v2")
                let daemon = try await host.serve(environment: aws.environment())
                for (source, words) in [
                    ("region", ["team/here", empty.host]), ("repository", ["team/elsewhere"]), ("tag", ["v2"]),
                ] {
                    let load = try await host.modelet("load", "test/\(source)", "--wait")
                    #expect(load.status == 1)
                    for word in words { #expect(load.errors.contains(word), "\(load.errors)") }
                    #expect(try await host.sqlite("SELECT state FROM models WHERE source = '\(source)'") == "failed")
                }
                _ = daemon
            }
        }

        @Test(arguments: [
            ("DENIED", "ecr:GetAuthorizationToken"), ("EXPIRED", "expired"), ("", "no AWS credentials"),
        ])
        func whatAWSRefusesIsAPlainSentence(_ key: String, _ words: String) async throws {
            try await TestHost.run(.container) { host in
                let registry = try await PrivateRegistry(account: .ecr)
                let aws = try await FakeAWS(on: host, registries: ["us-east-1": registry.host])
                try host.writeECR(repository: "team/model", tag: "v1")
                let daemon = try await host.serve(environment: aws.environment(key: key))
                let load = try await host.modelet("load", "test/stub", "--wait")
                #expect(load.status == 1)
                #expect(load.errors.contains(words), "\(load.errors)")
                #expect(try await host.sqlite("SELECT state FROM models") == "failed")
                #expect(try await daemon.predict().status == 503)
            }
        }

        /// The registry no longer takes the token that was cached: it is asked once more with another one.
        @Test func aTokenThatTheRegistryRefusesIsNotKept() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                let registry = try await PrivateRegistry(account: .ecr)
                let aws = try await FakeAWS(on: host, registries: ["us-east-1": registry.host])
                for name in ["a", "b"] {
                    try await engine.publish("team/\(name):v1", in: registry, account: .ecr, unlike: name)
                    try host.writeECR(name, repository: "team/\(name)", tag: "v1")
                }
                let daemon = try await host.serve(environment: aws.environment())
                #expect(try await daemon.predict("test/a").status == 200)
                try registry.admit(.changed)
                let load = try await host.modelet("load", "test/b", "--wait")
                #expect(load.status == 1)
                #expect(load.errors.contains(registry.host), "\(load.errors)")
                #expect(aws.tokens.count == 2)
                #expect(try await daemon.predict("test/a").status == 200)
                try registry.admit(.ecr)
                #expect(try await host.modelet("load", "test/b", "--wait").status == 0)
                #expect(try await daemon.predict("test/b").status == 200)
            }
        }
    }
}

/// Somebody who plays AWS for one test; ended with the last reference to it.
private final class FakeAWS: Sendable {
    private let program: GuardedProgram
    private let url: String
    private let home: String

    /// `Tests/clients/ecr_endpoint.py`.
    init(on host: TestHost, registries: [String: String], lifetime: Int = 43200) async throws {
        program = try GuardedProgram(
            ["python3", TestHost.sources + "/Tests/clients/ecr_endpoint.py", "\(lifetime)"]
                + registries.map { "\($0.key)=\($0.value)" },
            output: host.newOutput("aws"))
        let program = program
        try await eventually("the endpoint listens: \(program.output)") { program.output.contains("\n") }
        url = "http://127.0.0.1:\(program.output.prefix { $0.isNumber })"
        home = host.directory
    }

    init(moto host: TestHost) async throws {
        let moto = try #require(clientProgram("moto_server"))
        program = try GuardedProgram([moto, "-H", "127.0.0.1", "-p", "0"], output: host.newOutput("moto"))
        let marker = "Running on http://127.0.0.1:"
        let program = program
        try await eventually("moto listens: \(program.output)") { program.output.contains(marker) }
        let start = program.output.firstRange(of: marker)?.upperBound ?? program.output.endIndex
        url = "http://127.0.0.1:\(program.output[start...].prefix { $0.isNumber })"
        home = host.directory
    }

    /// What it has said of tokens, oldest first.
    var tokens: [String] { program.output.split(separator: "\n").map(String.init).filter { $0.hasPrefix("token ") } }

    /// What modelet is given, and nothing of what the user of this machine has.
    /// - Parameter key: the access key; empty: there is none.
    func environment(key: String = "READER") -> [String: String] {
        let path = String(cString: getenv("PATH"))
        var environment = [
            "PATH": "\(clientFolder):\(path)", "HOME": home, "AWS_ENDPOINT_URL": url,
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": home + "/aws-config",
            "AWS_SHARED_CREDENTIALS_FILE": home + "/aws-credentials",
        ]
        if !key.isEmpty { environment.merge(["AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "secret"]) { $1 } }
        return environment
    }
}

extension TestHost {
    /// Writes a manifest of the domain `test` with one model from ECR.
    /// - Parameter registry: `nil`: as ECR says.
    fileprivate func writeECR(
        _ source: String = "stub", repository: String, tag: String, region: String = "us-east-1",
        registry: String? = nil
    ) throws {
        let place = registry.map { ", registry: \"\($0)\"" } ?? ""
        try write(
            """
            domain: test
            ml:
              sources:
                \(source):
                  models:
                    default:
                      endpoint: /predict
                      source:
                        {type: ecr, repository: \(repository), tag: \(tag), region: \(region)\(place), container_port: 8000}

            """, to: "\(source).yaml")
    }
}
