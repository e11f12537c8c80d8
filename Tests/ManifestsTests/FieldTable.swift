/// What an edit of a field does to a model that runs.
enum FieldClass {
    /// A new instance takes the place of the one that runs.
    case run
    /// Applied to what runs: its next request, its next probe, its next load.
    case inPlace
    /// Another model: the key is another one.
    case identity
    /// Holds other fields, and says nothing by itself.
    case structure
}

/// A mapping of a manifest.
enum Level: String, CaseIterable {
    case manifest, ml, group, model, readiness, liveness, source, capabilities
}

enum SourceKind: String, CaseIterable {
    case remote, local, docker, ecr
}

/// One field that a manifest may have: two values that say different things, and what goes without saying.
struct Field: Sendable, CustomStringConvertible {
    var level: Level
    var name: String
    var kind: FieldClass
    /// As YAML.
    var values: (String, String)
    /// Further ways to write the first value.
    var spellings: [String] = []
    /// What says the same as nothing at all.
    var defaults: [String] = []
    /// The field cannot be left out.
    var isRequired = false
    /// Fields that have to go with it, or cannot.
    var beside: [String: String?] = [:]

    var description: String { "\(level.rawValue).\(name)" }
}

/// Every field that manifests may have. A field that is added to the grammar is added here, or a test fails.
enum FieldTable {
    static func fields(of kind: SourceKind) -> [Field] {
        common + (kind == .remote ? [] : loading + (kind == .local ? local : container))
            + (kind == .docker ? docker : kind == .ecr ? ecr : [])
    }

    private static let common: [Field] = [
        Field(level: .manifest, name: "domain", kind: .identity, values: ("churn", "other"), defaults: ["churn"]),
        Field(level: .manifest, name: "ml", kind: .structure, values: ("", "")),
        Field(level: .ml, name: "sources", kind: .structure, values: ("", "")),
        Field(level: .group, name: "models", kind: .structure, values: ("", "")),
        Field(level: .model, name: "source", kind: .structure, values: ("", "")),
        Field(
            level: .group, name: "base_url", kind: .inPlace, values: ("http://h:1", "http://h:2"),
            spellings: ["'http://h:1'", "\"http://h:1\""]),
        Field(level: .model, name: "endpoint", kind: .inPlace, values: ("/a", "/b"), defaults: ["/"]),
        Field(
            level: .model, name: "timeout", kind: .inPlace, values: ("90", "91"),
            spellings: ["90s", "\"90s\"", "1m30s", "90.0", "0h1m30s", "90000ms"], defaults: ["30", "30s", "0m30s"]),
        Field(
            level: .model, name: "headers", kind: .inPlace, values: ("{A: \"1\", B: x}", "{A: \"2\", B: x}"),
            spellings: ["{B: x, A: '1'}", "{\"A\": 1, 'B': \"x\"}"], defaults: ["{}"]),
        Field(level: .model, name: "retry", kind: .inPlace, values: ("false", "true"), defaults: ["true"]),
        Field(
            level: .model, name: "keep_alive", kind: .inPlace, values: ("9", "0"), spellings: ["9s"],
            defaults: ["4", "4s"]),
        Field(
            level: .model, name: "max_concurrency", kind: .inPlace, values: ("3", "4"), defaults: ["unlimited"]),
        Field(level: .model, name: "max_queue", kind: .inPlace, values: ("3", "0"), defaults: ["100"]),
    ]

    private static let loading: [Field] =
        [
            Field(level: .model, name: "load", kind: .inPlace, values: ("eager", "on_demand"), defaults: ["on_demand"]),
            Field(
                level: .model, name: "load_timeout", kind: .inPlace, values: ("9", "0"), defaults: ["120", "2m"]),
            Field(level: .model, name: "start_timeout", kind: .inPlace, values: ("9", "10"), defaults: ["600", "10m"]),
            Field(
                level: .model, name: "idle_timeout", kind: .inPlace, values: ("60", "61"), spellings: ["1m"],
                defaults: ["never", "\"never\""]),
            Field(
                level: .model, name: "update", kind: .inPlace, values: ("resource", "availability"),
                defaults: ["availability"]),
            Field(level: .model, name: "drain_timeout", kind: .inPlace, values: ("9", "0"), defaults: ["30"]),
            Field(level: .model, name: "stop_timeout", kind: .inPlace, values: ("9", "0"), defaults: ["10", "10s"]),
            Field(
                level: .model, name: "memory", kind: .inPlace, values: ("2GiB", "3GiB"),
                spellings: ["2Gi", "2147483648", "2048MiB"]),
            Field(level: .model, name: "pinned", kind: .inPlace, values: ("true", "false"), defaults: ["false"]),
            Field(level: .model, name: "readiness", kind: .inPlace, values: ("none", "tcp")),
            Field(level: .model, name: "liveness", kind: .inPlace, values: ("{path: /a}", "{path: /b}")),
            Field(level: .source, name: "type", kind: .structure, values: ("", "")),
            Field(
                level: .readiness, name: "tcp", kind: .inPlace, values: ("true", "false"), defaults: ["false"],
                beside: ["path": nil]),
        ] + probe(.readiness) + probe(.liveness)

    private static func probe(_ level: Level) -> [Field] {
        [
            Field(level: level, name: "path", kind: .inPlace, values: ("/a", "/b"), defaults: ["/"]),
            Field(
                level: level, name: "status", kind: .inPlace, values: ("200", "200-204"),
                spellings: ["\"200\"", "200-200"], defaults: ["200-399"]),
            Field(level: level, name: "timeout", kind: .inPlace, values: ("3", "4"), defaults: ["2", "2s"]),
            Field(level: level, name: "interval", kind: .inPlace, values: ("3", "4"), defaults: ["10"]),
            Field(level: level, name: "failures", kind: .inPlace, values: ("4", "5"), defaults: ["3"]),
            Field(level: level, name: "owner", kind: .inPlace, values: ("any", "ours"), defaults: ["ours"]),
        ]
    }

    private static let environment = Field(
        level: .source, name: "environment", kind: .run, values: ("{A: \"1\", B: x}", "{A: \"2\", B: x}"),
        spellings: ["{B: x, A: 1}"], defaults: ["{}"])
    private static let startupDelay = Field(
        level: .source, name: "startup_delay", kind: .inPlace, values: ("5", "6"), spellings: ["5s"],
        defaults: ["0", "0s"])
    private static let user = Field(
        level: .source, name: "user", kind: .run, values: ("nobody", "1000:1000"), spellings: ["\"nobody\""])

    private static let local: [Field] = [
        environment, startupDelay, user,
        Field(
            level: .source, name: "path", kind: .run, values: (".", ".."), spellings: ["./", "./.", "./x/.."],
            isRequired: true),
        Field(
            level: .source, name: "startup_command", kind: .run, values: ("\"serve ${PORT}\"", "\"serve -v ${PORT}\""),
            spellings: ["'serve ${PORT}'", "serve ${PORT}"], isRequired: true),
        Field(
            level: .source, name: "host", kind: .run, values: ("127.0.0.1", "0.0.0.0"), defaults: ["localhost"]),
        Field(level: .source, name: "port", kind: .run, values: ("8501", "8502")),
        Field(
            level: .source, name: "inherit_environment", kind: .run, values: ("[A, B]", "[A]"),
            spellings: ["[B, A]", "[A, B, A]"], defaults: ["true"]),
    ]

    private static let container: [Field] = [
        environment, startupDelay, user,
        Field(
            level: .source, name: "container_port", kind: .run, values: ("8000", "8001"), isRequired: true),
        Field(level: .source, name: "host_port", kind: .run, values: ("8501", "8502")),
        // How an image is obtained is no matter of the instance that runs it.
        Field(
            level: .source, name: "pull", kind: .inPlace, values: ("always", "false"), defaults: ["true", "missing"]),
        Field(
            level: .source, name: "volumes", kind: .run, values: ("{./a: /a}", "{./a: /b}"),
            spellings: ["{./b/../a: /a}", "{./a: '/a:rw'}"], defaults: ["{}"]),
        Field(
            level: .source, name: "command", kind: .run, values: ("[serve, -v]", "[serve]"),
            spellings: ["serve -v", "serve  '-v'"]),
        Field(level: .source, name: "gpus", kind: .run, values: ("all", "1")),
        Field(level: .source, name: "memory", kind: .run, values: ("1GiB", "2GiB"), spellings: ["1073741824"]),
        Field(level: .source, name: "cpus", kind: .run, values: ("2", "0.5"), spellings: ["2.0", "\"2\""]),
        Field(level: .source, name: "shm_size", kind: .run, values: ("1GiB", "2GiB")),
        Field(level: .source, name: "read_only", kind: .run, values: ("true", "false"), defaults: ["false"]),
        // Without it there is an init where the image brings none of its own.
        Field(level: .source, name: "init", kind: .run, values: ("true", "false")),
        Field(level: .source, name: "privileged", kind: .run, values: ("true", "false"), defaults: ["false"]),
        Field(level: .source, name: "new_privileges", kind: .run, values: ("true", "false"), defaults: ["false"]),
        Field(
            level: .source, name: "pids_limit", kind: .run, values: ("10", "unlimited"), defaults: ["4096"]),
        Field(level: .source, name: "docker_socket", kind: .run, values: ("true", "false"), defaults: ["false"]),
        Field(
            level: .source, name: "capabilities", kind: .run, values: ("{add: [CHOWN, SETUID]}", "{add: [CHOWN]}"),
            spellings: ["{add: [SETUID, CAP_CHOWN]}"], defaults: ["{add: []}"]),
        Field(
            level: .capabilities, name: "add", kind: .run, values: ("[CHOWN]", "[SETUID]"), spellings: ["[CAP_CHOWN]"],
            isRequired: true),
    ]

    private static let docker: [Field] = [
        Field(
            level: .source, name: "image", kind: .run, values: ("a/b:1", "a/b:2"),
            spellings: ["docker.io/a/b:1", "'a/b:1'"], isRequired: true),
        Field(
            level: .source, name: "registry_auth", kind: .inPlace, values: ("\"${env:A}\"", "\"${env:B}\""),
            spellings: ["'${env:A}'"]),
    ]

    private static let ecr: [Field] = [
        Field(level: .source, name: "repository", kind: .run, values: ("a/b", "a/c"), isRequired: true),
        Field(level: .source, name: "tag", kind: .run, values: ("v1", "v2"), defaults: ["latest"]),
        Field(
            level: .source, name: "digest", kind: .run,
            values: ("sha256:\(String(repeating: "a", count: 64))", "sha256:\(String(repeating: "b", count: 64))")),
        Field(level: .source, name: "region", kind: .run, values: ("us-east-1", "eu-west-1")),
        Field(level: .source, name: "registry", kind: .run, values: ("a.example", "b.example")),
    ]
}

/// A manifest with one model, `churn/s/m`, put together of fields.
struct ManifestText {
    private var fields: [Level: [String: String]]

    init(_ kind: SourceKind) {
        fields = [.group: ["base_url": "http://h:9"], .model: ["endpoint": "/predict", "max_queue": "50"]]
        switch kind {
        case .remote: break
        case .local: fields[.source] = ["type": "local_artifact", "path": ".", "startup_command": "\"serve ${PORT}\""]
        case .docker: fields[.source] = ["type": "docker", "image": "a/b:1", "container_port": "8000"]
        case .ecr: fields[.source] = ["type": "ecr", "repository": "a/b", "container_port": "8000"]
        }
    }

    /// With this field, and those that go with it; `nil` leaves it out.
    func with(_ field: Field, _ value: String?) -> ManifestText {
        var copy = self
        // A mapping is there even where it holds nothing else.
        if [.readiness, .liveness].contains(field.level) {
            copy.fields[field.level] = ["path": "/health", "interval": "5"]
        }
        if field.level == .capabilities { copy.fields[.capabilities, default: [:]]["add"] = "[NET_RAW]" }
        for (name, value) in field.beside { copy.fields[field.level, default: [:]][name] = value }
        copy.fields[field.level, default: [:]][field.name] = value
        return copy
    }

    /// With a key that no manifest knows, at a level that is there.
    func withUnknownKey(at level: Level) -> ManifestText {
        var copy = self
        if level == .capabilities { copy.fields[.capabilities] = ["add": "[NET_RAW]"] }
        copy.fields[level, default: [:]][Self.unknown] = "1"
        return copy
    }

    static let unknown = "zzzzzzzzzzzzzzzzzzzz"

    /// As block YAML.
    var text: String {
        var lines = lines(.manifest, 0) + ["ml:"] + lines(.ml, 2) + ["  sources:", "    s:"]
        lines += self.lines(.group, 6) + ["      models:", "        m:"] + self.lines(.model, 10)
        for level in [Level.readiness, .liveness, .source] where fields[level] != nil {
            lines += ["          \(level.rawValue):"] + self.lines(level, 12)
            if level == .source, fields[.capabilities] != nil {
                lines += ["            capabilities:"] + self.lines(.capabilities, 14)
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func lines(_ level: Level, _ indent: Int) -> [String] {
        (fields[level] ?? [:]).sorted { $0.key < $1.key }
            .map { "\(String(repeating: " ", count: indent))\($0.key): \($0.value)" }
    }

    /// The same as one line of flow YAML, keys in the opposite order, every name in quotes, and a comment at its end.
    var otherText: String {
        func body(_ level: Level, _ more: [(String, String)] = []) -> String {
            let entries = (fields[level] ?? [:]).map { ($0.key, $0.value) } + more
            return "{" + entries.sorted { $0.0 > $1.0 }.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
        }
        let capabilities = fields[.capabilities] == nil ? [] : [("capabilities", body(.capabilities))]
        let parts = [Level.readiness, .liveness].filter { fields[$0] != nil }.map { ($0.rawValue, body($0)) }
        let source = fields[.source] == nil ? [] : [("source", body(.source, capabilities))]
        let model = body(.model, parts + source)
        let group = body(.group, [("models", "{m: \(model)}")])
        return "---\n# one line\n" + body(.manifest, [("ml", body(.ml, [("sources", "{s: \(group)}")]))]) + " # end\n"
    }
}
