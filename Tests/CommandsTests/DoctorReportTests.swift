import Docker
import ModelCore
import Testing

@testable import Commands

/// What is made of what was found on a host: rows of one change to a host that has everything.
struct DoctorReportTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout DoctorSnapshot) -> Void
        var expected: Finding.Verdict
        var check: String
        var says: String

        init(
            _ name: String, _ expected: Finding.Verdict, _ check: String, _ says: String,
            _ change: @escaping @Sendable (inout DoctorSnapshot) -> Void
        ) {
            testDescription = name
            self.change = change
            self.expected = expected
            self.check = check
            self.says = says
        }
    }

    private static let key = ModelKey(domain: "d", source: "s", model: "default")

    /// Nothing is missing here, and everything is wanted.
    private static var healthy: DoctorSnapshot {
        var snapshot = DoctorSnapshot()
        snapshot.host.kernel = "6.12.0"
        snapshot.state.directory = "/var/lib/modelet"
        snapshot.state.freeBytes = 1 << 40
        snapshot.state.database = .sound(models: 2)
        snapshot.state.daemon = .running(pid: 7, version: "1.0", gateway: "127.0.0.1:8080", gatewayFault: nil)
        snapshot.needs.containers = [key]
        snapshot.needs.gpus = [key]
        snapshot.needs.registries = ["docker.io": key]
        snapshot.needs.ecr = [.init(key: key)]
        var engine = DoctorSnapshot.Engine(name: "Docker 27.1", address: "unix:///s", api: APIVersion(1, 46))
        engine.hasGPURuntime = true
        engine.namespaces = .shared
        engine.kernel = "6.12.0"
        snapshot.engine = .present(engine)
        snapshot.logins.configuration = .read(path: "/c.json", helpers: [pass(true)])
        snapshot.logins.helpers = ["docker.io": pass(true)]
        snapshot.aws = DoctorSnapshot.AWS(
            hasHelper: true, cli: "aws-cli/2", identity: .known(account: "1", arn: "arn:aws:iam::1:user/u"),
            region: "eu-west-1")
        return snapshot
    }

    private static func pass(_ isInstalled: Bool) -> CredentialSurvey.Helper {
        CredentialSurvey.Helper(command: "docker-credential-pass", isInstalled: isInstalled)
    }

    private static func engine(_ change: (inout DoctorSnapshot.Engine) -> Void, of snapshot: inout DoctorSnapshot) {
        guard case .present(var engine) = snapshot.engine else { return }
        change(&engine)
        snapshot.engine = .present(engine)
    }

    /// No model runs in a container.
    private static func needNothing(_ snapshot: inout DoctorSnapshot) {
        snapshot.needs = DoctorSnapshot.Needs()
    }

    @Test func whereNothingIsMissingAllIsWell() {
        let findings = DoctorReport(snapshot: Self.healthy).findings
        #expect(findings.filter { $0.verdict != .ok } == [])
        #expect(
            findings.map(\.check) == [
                "shim", "kernel", "ports", "survival", "state", "database", "daemon", "gateway", "docker",
                "docker host", "docker storage", "live restore", "gpus", "logins", "ecr tools", "aws identity",
                "aws region",
            ])
    }

    @Test(arguments: hostRows + engineRows + registryRows)
    func oneThingIsDifferent(row: Row) {
        var snapshot = Self.healthy
        row.change(&snapshot)
        let findings = DoctorReport(snapshot: snapshot).findings
        let finding = findings.first { $0.check == row.check }
        #expect(finding?.verdict == row.expected)
        let text = [finding?.detail, finding?.advice].compactMap(\.self).joined(separator: "; ")
        #expect(text.contains(row.says), "\(text)")
        // And nothing else is blamed for it.
        #expect(findings.allSatisfy { $0.check == row.check || $0.verdict == .ok }, "\(findings)")
    }

    static let hostRows = [
        Row("no shim", .fail, "shim", "MODELET_SHIM") { $0.host.hasShim = false },
        Row("an old kernel", .fail, "kernel", "has no pidfds") { $0.host.hasPidfd = false },
        Row("no sub-reapers", .fail, "kernel", "has no sub-reapers") { $0.host.canBeSubreaper = false },
        Row("no pidfs", .ok, "kernel", "start time") { $0.host.hasPidfs = false },
        Row("no free port", .fail, "ports", "none of 20000-29999") { $0.host.usedPorts = 10_000 },
        Row("few free ports", .warn, "ports", "only 9 of") { $0.host.usedPorts = 9_991 },
        Row("ephemeral ports", .warn, "ports", "(29000-60999)") { $0.host.ephemeralPorts = 29000...60999 },
        Row("PID 1", .warn, "survival", "PID 1") { $0.host.threat = .isInit },
        Row("a unit", .warn, "survival", "systemctl edit m.service") {
            $0.host.threat = .unit("m.service", killMode: "control-group")
        },
        Row("a state of others", .fail, "state", "Permission denied") { $0.state.obstacle = "/s: Permission denied" },
        Row("a full disk", .warn, "state", "only 100 MiB") { $0.state.freeBytes = 100 << 20 },
        Row("no database", .ok, "database", "modelet serve") { $0.state.database = .none },
        Row("a broken database", .fail, "database", "damaged") { $0.state.database = .unusable("damaged") },
        Row("no daemon", .ok, "daemon", "not running") { $0.state.daemon = .notRunning },
        Row("a silent daemon", .fail, "daemon", "pid 7") { $0.state.daemon = .silent(pid: 7, reason: "late") },
        Row("a deaf gateway", .fail, "gateway", "127.0.0.1:8080: refused") {
            $0.state.daemon = .running(pid: 7, version: "1", gateway: "127.0.0.1:8080", gatewayFault: "refused")
        },
    ]

    static let engineRows = [
        Row("no engine", .fail, "docker", "is Docker running? (needed by d/s/default)") {
            $0.engine = .absent("is Docker running?")
        },
        Row("no engine, and no need", .ok, "docker", "no accepted model needs it") {
            needNothing(&$0)
            $0.engine = .absent("is Docker running?")
        },
        Row("an old engine", .fail, "docker", "API 1.40") { engine({ $0.api = APIVersion(1, 39) }, of: &$0) },
        Row("an old engine, and no need", .warn, "docker", "API 1.39") {
            needNothing(&$0)
            engine({ $0.api = APIVersion(1, 39) }, of: &$0)
        },
        Row("another host's engine", .fail, "docker host", "elsewhere") {
            engine({ $0.namespaces = .foreign("elsewhere") }, of: &$0)
        },
        Row("another host's engine, and no need", .warn, "docker host", "elsewhere") {
            needNothing(&$0)
            engine({ $0.namespaces = .foreign("elsewhere") }, of: &$0)
        },
        Row("an engine that hides", .warn, "docker host", "hidepid") {
            engine({ $0.namespaces = .unprovable("hidepid") }, of: &$0)
        },
        Row("a virtual machine", .fail, "docker host", "(linuxkit)") {
            engine({ ($0.namespaces, $0.kernel) = (nil, "linuxkit") }, of: &$0)
        },
        Row("no container yet", .ok, "docker host", "first container") { engine({ $0.namespaces = nil }, of: &$0) },
        Row("vfs", .warn, "docker storage", "overlay2") { engine({ $0.storageDriver = "vfs" }, of: &$0) },
        Row("no live restore", .warn, "live restore", "daemon.json") {
            engine({ $0.hasLiveRestore = false }, of: &$0)
        },
        Row("podman, which knows no live restore", .ok, "live restore", "outlive podman's service") {
            engine({ ($0.hasLiveRestore, $0.isPodman) = (false, true) }, of: &$0)
        },
        Row("containers on another engine", .warn, "docker engines", "d/s/default: their containers are on") {
            engine({ $0.elsewhere = [.init(key: key, address: "unix:///a")] }, of: &$0)
        },
        Row("no GPU runtime", .fail, "gpus", "wanted by d/s/default") {
            engine({ $0.hasGPURuntime = false }, of: &$0)
        },
    ]

    static let registryRows = [
        Row("no logins", .ok, "logins", "without credentials") { $0.logins.configuration = .none },
        Row("broken logins", .fail, "logins", "no JSON") { $0.logins.configuration = .unusable("no JSON") },
        Row("broken logins that nobody needs", .warn, "logins", "no JSON") {
            needNothing(&$0)
            $0.logins.configuration = .unusable("no JSON")
        },
        Row("no helper", .fail, "logins", "(needed by d/s/default)") {
            $0.logins.configuration = .read(path: "/c.json", helpers: [pass(false)])
            $0.logins.helpers = ["docker.io": pass(false)]
        },
        Row("no helper for another registry", .warn, "logins", "docker-credential-pass") {
            $0.logins.configuration = .read(path: "/c.json", helpers: [pass(false)])
            $0.logins.helpers = [:]
        },
        Row("no tools", .fail, "ecr tools", "apt-get install") { $0.aws = DoctorSnapshot.AWS(region: "eu-west-1") },
        Row("only the helper, a registry without a name", .fail, "ecr tools", "write `registry`") {
            $0.aws?.cli = nil
        },
        Row("an identity that AWS does not know", .fail, "aws identity", "expired") {
            $0.aws?.identity = .unknown("the credentials have expired")
        },
        Row("only the helper", .warn, "aws identity", "without the AWS CLI") {
            $0.aws?.identity = nil
        },
        Row("no region", .fail, "aws region", "AWS_REGION") { $0.aws?.region = nil },
    ]

    @Test func awsIsLookedAtOnlyWhereItIsAskedFor() {
        var snapshot = Self.healthy
        snapshot.aws = nil
        #expect(!DoctorReport(snapshot: snapshot).findings.contains { $0.check.contains("aws") })
        // A region is missed only by a model that names neither it nor a registry.
        snapshot = Self.healthy
        snapshot.aws?.region = nil
        snapshot.needs.ecr = [.init(key: Self.key, registry: "r"), .init(key: Self.key, region: "x")]
        #expect(!DoctorReport(snapshot: snapshot).findings.contains { $0.verdict != .ok })
    }

    @Test func findingsAreALineEach() {
        let text = FindingsText(
            findings: [.ok("shim", "here"), .fail("docker host", "one\ntwo", "do it")], isColoured: false)
        #expect(text.lines == ["ok    shim         here", "fail  docker host  one two; do it"])
    }

    @Test func whatModelsNeedIsReadOutOfTheirSpecs() throws {
        func model(_ name: String, _ source: SourceSpec?) throws -> ModelRecord {
            var spec = ModelSpec(endpoint: "/")
            spec.source = source
            return ModelRecord(key: try #require(ModelKey("d/\(name)")), spec: spec, root: "/", file: "f")
        }
        var container = ContainerSpec(containerPort: 80)
        container.gpus = "all"
        var local = ContainerSpec(containerPort: 80)
        local.pull = .never
        var ecr = ECRSpec(repository: "r", container: ContainerSpec(containerPort: 80))
        ecr.region = "eu-west-1"
        var removed = try model("gone", .docker(DockerSpec(image: "x", container: container)))
        removed.isRemoved = true
        let needs = DoctorSnapshot.Needs([
            try model("http", nil),
            try model("process", .localArtifact(LocalArtifactSpec(path: "/m", startupCommand: "x"))),
            try model("hub", .docker(DockerSpec(image: "nginx", container: container))),
            try model("own", .docker(DockerSpec(image: "r.example:5000/x:1", container: local))),
            try model("ecr", .ecr(ecr)), removed,
        ])
        #expect(needs.containers.map(\.source) == ["hub", "own", "ecr"])
        #expect(needs.gpus.map(\.source) == ["hub"])
        // What is never pulled needs no registry.
        #expect(needs.registries.mapValues(\.source) == ["docker.io": "hub"])
        #expect(needs.ecr.map(\.region) == ["eu-west-1"])
    }
}
