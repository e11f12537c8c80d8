/// A mapping of a manifest, read field by field. What is asked for is what is known: ``finish()`` reports the rest.
struct Fields {
    /// What the mapping is, for messages: `source`, `probe`.
    let subject: String
    let position: Position
    let findings: Findings
    private let entries: [Node.Entry]
    private let index: [String: Int]
    private var asked: [String] = []

    /// Keys that are known elsewhere, and where: for the hint about one that is misplaced.
    private static let homes: [String: String] = [
        "base_url": "a source, beside its `models`",
        "endpoint": "a model", "timeout": "a model", "headers": "a model", "load": "a model",
        "load_timeout": "a model", "start_timeout": "a model", "idle_timeout": "a model",
        "max_concurrency": "a model", "max_queue": "a model", "update": "a model", "drain_timeout": "a model",
        "stop_timeout": "a model", "readiness": "a model", "liveness": "a model", "pinned": "a model",
        "retry": "a model", "keep_alive": "a model", "source": "a model", "models": "a source",
        "startup_delay": "the `source` of a model",
        "path": "a `source` of the type local_artifact", "startup_command": "a `source` of the type local_artifact",
        "host": "a `source` of the type local_artifact", "port": "a `source` of the type local_artifact",
        "inherit_environment": "a `source` of the type local_artifact",
        "image": "a `source` of the type docker", "repository": "a `source` of the type ecr",
        "host_port": "a `source` of the type docker or ecr", "container_port": "a `source` of the type docker or ecr",
        "environment": "the `source` of a model", "volumes": "a `source` of the type docker or ecr",
        "tag": "a `source` of the type ecr", "region": "a `source` of the type ecr",
    ]

    /// Unknown keys beyond this many in a file get no hint: guessing takes time, and the file is no manifest.
    private static let mostHints = 100

    /// `nil`, with a report, where `node` is no mapping.
    init?(_ node: Node, subject: String, findings: Findings) {
        guard case .mapping(let entries) = node.content else {
            findings.report(Problem("\(subject): expected a mapping, found \(node.found)"), at: node.start)
            return nil
        }
        self.subject = subject
        self.position = node.start
        self.findings = findings
        self.entries = entries
        index = Dictionary(entries.indices.map { (entries[$0].key, $0) }) { first, _ in first }
    }

    mutating func entry(_ key: String) -> Node.Entry? {
        if !asked.contains(key) { asked.append(key) }
        return index[key].map { entries[$0] }
    }

    /// Reads a field; `nil` where it is left out, or is wrong and has been reported.
    mutating func read<Value>(
        _ key: String, _ parse: (Node) throws(Problem) -> Value
    ) -> Value? {
        guard let entry = entry(key) else { return nil }
        do {
            return try parse(entry.value)
        } catch {
            var problem = error
            problem.message = "`\(key)`: \(problem.message)"
            findings.report(problem, at: entry.value.start)
            return nil
        }
    }

    /// Like ``read(_:_:)``, and an error where the field is left out.
    mutating func require<Value>(_ key: String, _ parse: (Node) throws(Problem) -> Value) -> Value? {
        if index[key] == nil { findings.report(Problem("\(subject): `\(key)` is missing"), at: position) }
        return read(key, parse)
    }

    /// Reports every key that nobody has asked for.
    /// - Parameter isIgnored: keys that may be anything.
    func finish(ignoring isIgnored: (String) -> Bool = { _ in false }) {
        let known = Set(asked)
        for entry in entries where !known.contains(entry.key) && !isIgnored(entry.key) {
            findings.report(
                Problem("\(subject): unknown key \(quoted(entry.key))", hint: hint(for: entry.key)),
                at: entry.keyPosition)
        }
    }

    private func hint(for key: String) -> String? {
        guard findings.diagnostics.count < Self.mostHints else { return nil }
        let unused = asked.filter { index[$0] == nil }
        if let near = nearest(to: key, among: unused) { return "did you mean `\(near)`?" }
        if let home = Self.homes[key] { return "`\(key)` belongs in \(home)" }
        return asked.isEmpty ? nil : "known here: \(asked.joined(separator: ", "))"
    }
}
