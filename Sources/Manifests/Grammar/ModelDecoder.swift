import ModelCore

/// Reads one model: the fields of its route, its probes, and its `source`.
struct ModelDecoder {
    let key: ModelKey
    let place: ManifestPlace
    let findings: Findings

    /// Bounds of counts, far above anything that makes sense: they catch a number in the wrong unit.
    static let mostRequests = 1_000_000

    /// - Parameter hasBaseURL: whether the source has a `base_url`, right or wrong.
    mutating func model(_ entry: Node.Entry, baseURL: String?, hasBaseURL: Bool) -> DecodedModel? {
        guard var fields = Fields(entry.value, subject: "model \(quoted(entry.key))", findings: findings) else {
            return nil
        }
        var model = DecodedModel(key: key, position: entry.keyPosition, spec: ModelSpec(baseURL: baseURL))
        readRoute(&fields, into: &model.spec)
        readLoading(&fields, into: &model.spec)
        readProbes(&fields, into: &model.spec)
        let source = fields.entry("source")
        fields.finish()
        if let source {
            SourceDecoder(place: place, findings: findings).read(source.value, into: &model)
        } else if !hasBaseURL {
            findings.report(
                Problem(
                    "model \(quoted(entry.key)) has nothing to send predictions to",
                    hint: "give the source a `base_url`, or the model a `source`"),
                at: entry.keyPosition)
        } else {
            warnOfIdleFields(in: entry.value)
        }
        return model
    }

    private func readRoute(_ fields: inout Fields, into spec: inout ModelSpec) {
        spec.endpoint = fields.read("endpoint") { node throws(Problem) in try node.requestPath() }
        spec.timeout = fields.read("timeout") { node throws(Problem) in try node.duration() }
        if let headers = fields.entry("headers") {
            do {
                spec.headers = try headers.value.headers(findings)
            } catch {
                findings.report(Problem("`headers`: \(error.message)"), at: headers.value.start)
            }
        }
        spec.retry = fields.read("retry") { node throws(Problem) in try node.boolean() }
        spec.keepAlive = fields.read("keep_alive") { node throws(Problem) in try node.duration(isZeroAllowed: true) }
    }

    private func readLoading(_ fields: inout Fields, into spec: inout ModelSpec) {
        spec.load = fields.read("load") { node throws(Problem) in try node.choice(LoadPolicy.self) }
        spec.loadTimeout = fields.read("load_timeout") { node throws(Problem) in
            try node.duration(isZeroAllowed: true)
        }
        spec.startTimeout = fields.read("start_timeout") { node throws(Problem) in try node.duration() }
        spec.idleTimeout = fields.read("idle_timeout") { node throws(Problem) in
            node.isWord("never") ? .never : .after(try node.durationOr("never"))
        }
        spec.maxConcurrency = fields.read("max_concurrency") { node throws(Problem) in
            node.isWord("unlimited") ? .unlimited : .count(try node.countOrUnlimited(1...Self.mostRequests))
        }
        spec.maxQueue = fields.read("max_queue") { node throws(Problem) in try node.integer(0...Self.mostRequests) }
        spec.update = fields.read("update") { node throws(Problem) in try node.choice(UpdatePolicy.self) }
        spec.drainTimeout = fields.read("drain_timeout") { node throws(Problem) in
            try node.duration(isZeroAllowed: true)
        }
        spec.stopTimeout = fields.read("stop_timeout") { node throws(Problem) in
            try node.duration(isZeroAllowed: true)
        }
        spec.memory = fields.read("memory") { node throws(Problem) in try node.size() }
        spec.pinned = fields.read("pinned") { node throws(Problem) in try node.boolean() }
    }

    private func readProbes(_ fields: inout Fields, into spec: inout ModelSpec) {
        let decoder = ProbeDecoder(findings: findings)
        spec.readiness = fields.entry("readiness").flatMap { decoder.readiness($0.value) }
        spec.liveness = fields.entry("liveness").flatMap { decoder.liveness($0.value) }
    }

    /// Fields that are about an instance, in a model that never has one.
    private func warnOfIdleFields(in model: Node) {
        guard case .mapping(let entries) = model.content else { return }
        let idle: Set = [
            "load", "load_timeout", "start_timeout", "idle_timeout", "update", "drain_timeout", "stop_timeout",
            "readiness", "liveness", "memory", "pinned",
        ]
        for entry in entries where idle.contains(entry.key) {
            findings.warn(
                "`\(entry.key)` has no effect: the model has no `source`, so that nothing is started for it",
                at: entry.keyPosition)
        }
    }
}

extension Node {
    fileprivate func durationOr(_ word: String) throws(Problem) -> Seconds {
        do {
            return try duration()
        } catch {
            throw Problem("\(error.message)", hint: error.hint ?? "or write \(word)", at: error.position)
        }
    }

    func countOrUnlimited(_ range: ClosedRange<Int>) throws(Problem) -> Int {
        do {
            return try integer(range)
        } catch {
            throw Problem(error.message, hint: error.hint ?? "or write unlimited", at: error.position)
        }
    }
}
