/// Collects the entries of one mapping, each key once.
struct MappingEntries {
    private let findings: Findings
    private var entries: [Node.Entry] = []
    private var positions: [String: Position] = [:]
    private var merged: [Node.Entry] = []

    init(findings: Findings) {
        self.findings = findings
    }

    /// - Parameter position: where the key is written; an alias has another place than what it stands for.
    mutating func add(_ key: Node, at position: Position, value: Node) {
        guard case .scalar(let scalar) = key.content else {
            findings.report(Problem("a key must be text, found \(key.found)", at: position))
            return
        }
        if scalar.text == "<<", scalar.kind == .text, scalar.style == .plain {
            merge(value)
            return
        }
        if let first = positions[scalar.text] {
            findings.report(
                Problem(
                    "the key \(quoted(scalar.text)) is given twice, on line \(first.line) and on line \(position.line)",
                    hint: "remove one of them", at: position))
            return
        }
        positions[scalar.text] = position
        entries.append(Node.Entry(key: scalar.text, keyPosition: position, value: value))
    }

    private mutating func merge(_ value: Node) {
        switch value.content {
        case .mapping(let entries):
            merged += entries
        case .sequence(let items):
            items.forEach { merge($0) }
        case .scalar:
            findings.report(
                Problem("`<<` merges a mapping or a list of mappings, found \(value.found)", at: value.start))
        }
    }

    mutating func finish() -> [Node.Entry] {
        for entry in merged where positions[entry.key] == nil {
            positions[entry.key] = entry.keyPosition
            entries.append(entry)
        }
        return entries
    }
}
