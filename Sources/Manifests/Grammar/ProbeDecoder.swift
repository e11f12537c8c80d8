import ModelCore

/// Reads `readiness` and `liveness`.
///
/// `readiness` is `none`, `tcp`, or a mapping. `{tcp: true, …}` is a TCP probe with its own timing; any other mapping
/// is an HTTP probe.
struct ProbeDecoder {
    let findings: Findings

    /// More failures in a row than this would hardly ever come together.
    private static let mostFailures = 1000

    func readiness(_ node: Node) -> ReadinessSpec? {
        if node.isWord("none") { return ReadinessSpec.none }
        if node.isWord("tcp") { return .tcp(ProbeSpec()) }
        guard case .mapping = node.content else {
            let hint = node.isWord("http") ? "write {path: /health}, with the path of your server" : nil
            findings.report(
                Problem("`readiness`: expected none, tcp or a mapping, found \(node.found)", hint: hint), at: node.start
            )
            return nil
        }
        guard var fields = Fields(node, subject: "`readiness`", findings: findings) else { return nil }
        let isTCP = fields.read("tcp") { node throws(Problem) in try node.boolean() }
        let probe = probe(&fields, isTCP: isTCP == true)
        fields.finish()
        return isTCP == true ? .tcp(probe) : .http(probe)
    }

    func liveness(_ node: Node) -> ProbeSpec? {
        guard var fields = Fields(node, subject: "`liveness`", findings: findings) else { return nil }
        let probe = probe(&fields, isTCP: false)
        fields.finish()
        return probe
    }

    private func probe(_ fields: inout Fields, isTCP: Bool) -> ProbeSpec {
        var probe = ProbeSpec()
        if isTCP {
            for key in ["path", "status"] {
                guard let entry = fields.entry(key) else { continue }
                findings.report(
                    Problem("`\(key)` is about HTTP, and this probe is a TCP connection"), at: entry.keyPosition)
            }
        } else {
            probe.path = fields.read("path") { node throws(Problem) in try node.requestPath() }
            probe.status = fields.read("status") { node throws(Problem) in try node.statusRange() }
        }
        probe.timeout = fields.read("timeout") { node throws(Problem) in try node.duration() }
        probe.interval = fields.read("interval") { node throws(Problem) in try node.duration() }
        probe.failures = fields.read("failures") { node throws(Problem) in try node.integer(1...Self.mostFailures) }
        probe.owner = fields.read("owner") { node throws(Problem) in try node.choice(PortOwner.self) }
        return probe
    }
}

extension Node {
    fileprivate func statusRange() throws(Problem) -> StatusRange {
        guard case .scalar(let scalar) = content, scalar.kind == .text || scalar.kind == .number,
            scalar.text.allSatisfy({ $0 == "-" || $0.isASCII && $0.isNumber }), let range = StatusRange(scalar.text)
        else { throw expected("a status such as 200, or a range of them such as 200-399") }
        return range
    }
}
