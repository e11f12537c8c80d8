/// Where the values of a manifest stand that no excerpt may show, whatever it is shown for: those of the environment, of
/// headers, of `registry_auth`, and URLs with a user or a password.
struct Secrets: Sendable {
    private var ranges: [Range<Position>] = []

    /// The fields all of whose values are secrets, wherever they stand.
    private static let fields: Set<String> = ["environment", "headers", "registry_auth"]

    static func isField(_ key: Node) -> Bool {
        if case .scalar(let scalar) = key.content { fields.contains(scalar.text) } else { false }
    }

    /// Whether a text that cannot be read as YAML may hold any: then none of it is shown.
    static func mayBe(in text: String) -> Bool {
        text.contains("@") || fields.contains { text.contains($0) }
    }

    static func isURL(withUser text: String) -> Bool {
        guard let scheme = text.firstRange(of: "://") else { return false }
        return text[scheme.upperBound...].contains("@")
    }

    /// Hides a scalar, or those of a list. Keys of a mapping are no secrets, and its values are hidden one by one.
    mutating func hideScalars(of node: Node) {
        switch node.content {
        case .scalar: hide(node)
        case .sequence(let items): for item in items { hideScalars(of: item) }
        case .mapping: break
        }
    }

    /// Hides all of `node`.
    mutating func hide(_ node: Node) {
        if node.start < node.end { ranges.append(node.start..<node.end) }
    }

    /// What is hidden of a line, in columns counted from 0.
    func columns(ofLine line: Int) -> [Range<Int>] {
        ranges.filter { $0.lowerBound.line <= line && line <= $0.upperBound.line }.map { range in
            let first = range.lowerBound.line == line ? range.lowerBound.column - 1 : 0
            let end = range.upperBound.line == line ? range.upperBound.column - 1 : Int.max
            return first..<max(first, end)
        }
    }
}
