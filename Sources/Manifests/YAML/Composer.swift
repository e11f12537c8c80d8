/// Builds the nodes of a file from its events, within bounds.
///
/// What makes the file unreadable is thrown; what leaves it readable (a key given twice, say) is reported, and reading
/// goes on. `<<` merges a mapping, as in YAML 1.1: a key that is given beside it wins.
struct Composer {
    /// How deep nodes may be nested. Ours are less than 10 deep; libyaml needs quadratic time for deep ones.
    static let deepest = 64
    /// How many nodes a file may have once every alias is replaced by what it stands for: some hundred models.
    static let mostNodes = 10_000

    /// A node and what it costs to use it again.
    private struct Composed {
        let node: Node
        var nodes = 1
        var height = 1
    }

    private let events: EventStream
    private let findings: Findings
    private var anchors: [String: Composed] = [:]
    private var openAnchors: Set<String> = []
    private var nodes = 0
    private var secrets = Secrets()
    /// Whether what is composed now belongs to a field that holds secrets.
    private var isSecret = false

    /// The document of a file; `nil` where the file has none.
    static func compose(_ text: String, findings: Findings) throws(Problem) -> Node? {
        var composer = Composer(events: try EventStream(text), findings: findings)
        let root = try composer.document()
        findings.hide(composer.secrets)
        return root
    }

    private init(events: EventStream, findings: Findings) {
        self.events = events
        self.findings = findings
    }

    private mutating func document() throws(Problem) -> Node? {
        var event = try events.next()
        if event.kind == .streamStart { event = try events.next() }
        guard event.kind == .documentStart else { return nil }
        let root = try compose(try events.next(), depth: 1)
        _ = try events.next()
        let rest = try events.next()
        guard rest.kind == .streamEnd else {
            throw Problem(
                "a second document begins here", hint: "write one document a file; `---` may stand at its top alone",
                at: rest.start)
        }
        return root.node
    }

    private mutating func compose(_ event: Event, depth: Int) throws(Problem) -> Composed {
        if case .alias(let name) = event.kind {
            let known = try alias(name, at: event.start, depth: depth)
            // All of it: it may have had entries that were refused.
            if isSecret { secrets.hide(known.node) }
            return known
        }
        guard depth <= Self.deepest else {
            throw Problem("nested more than \(Self.deepest) levels deep", at: event.start)
        }
        try count(1, at: event.start, cause: nil)
        checkTag(event)
        if let anchor = event.anchor { openAnchors.insert(anchor) }
        let composed: Composed
        switch event.kind {
        case .sequenceStart: composed = try sequence(from: event, depth: depth)
        case .mappingStart: composed = try mapping(from: event, depth: depth)
        case .scalar(let text, let style): composed = Composed(node: scalar(text, style, event))
        default: throw Problem("not valid YAML: a value was expected", at: event.start)
        }
        if let anchor = event.anchor {
            openAnchors.remove(anchor)
            anchors[anchor] = composed
        }
        return composed
    }

    private mutating func count(_ added: Int, at position: Position, cause: String?) throws(Problem) {
        nodes += added
        guard nodes <= Self.mostNodes else {
            let source = cause.map { "\($0) makes " } ?? ""
            throw Problem("\(source)the file larger than \(Self.mostNodes) nodes", at: position)
        }
    }

    private mutating func alias(_ name: String, at position: Position, depth: Int) throws(Problem) -> Composed {
        guard !openAnchors.contains(name) else {
            throw Problem("the alias \(quoted("*" + name)) stands for a value that contains it", at: position)
        }
        guard let known = anchors[name] else {
            throw Problem("nothing above has the anchor \(quoted("&" + name))", at: position)
        }
        guard depth + known.height - 1 <= Self.deepest else {
            throw Problem("nested more than \(Self.deepest) levels deep by an alias", at: position)
        }
        try count(known.nodes, at: position, cause: "the alias \(quoted("*" + name))")
        return known
    }

    private mutating func scalar(_ text: String, _ style: Scalar.Style, _ event: Event) -> Node {
        if text.utf8.contains(0) { findings.report(Problem("the text contains a NUL character", at: event.start)) }
        let scalar = Scalar(text: text, style: style, isText: event.tag == CoreTag.text)
        let node = Node(content: .scalar(scalar), start: event.start, end: event.end)
        if Secrets.isURL(withUser: text) { secrets.hide(node) }
        return node
    }

    private mutating func sequence(from start: Event, depth: Int) throws(Problem) -> Composed {
        var items: [Node] = []
        var nodes = 1
        var height = 1
        while true {
            let event = try events.next()
            if event.kind == .sequenceEnd {
                let node = Node(content: .sequence(items), start: start.start, end: event.end)
                return Composed(node: node, nodes: nodes, height: height)
            }
            let item = try compose(event, depth: depth + 1)
            items.append(item.node)
            nodes += item.nodes
            height = max(height, item.height + 1)
        }
    }

    private mutating func mapping(from start: Event, depth: Int) throws(Problem) -> Composed {
        var entries = MappingEntries(findings: findings)
        var nodes = 1
        var height = 1
        while true {
            let event = try events.next()
            if event.kind == .mappingEnd {
                let node = Node(content: .mapping(entries.finish()), start: start.start, end: event.end)
                return Composed(node: node, nodes: nodes, height: height)
            }
            let key = try compose(event, depth: depth + 1)
            let value = try self.value(of: key.node, depth: depth + 1)
            entries.add(key.node, at: event.start, value: value.node)
            nodes += key.nodes + value.nodes
            height = max(height, key.height + 1, value.height + 1)
        }
    }

    /// Here, and not among the entries: a value that is refused is as secret as any.
    private mutating func value(of key: Node, depth: Int) throws(Problem) -> Composed {
        let wasSecret = isSecret
        isSecret = wasSecret || Secrets.isField(key)
        defer { isSecret = wasSecret }
        let value = try compose(try events.next(), depth: depth)
        if isSecret { secrets.hideScalars(of: value.node) }
        return value
    }

    /// A tag may say of a value what it is anyway, and of a number that it is text. All others would change its
    /// meaning.
    private func checkTag(_ event: Event) {
        guard let tag = event.tag else { return }
        let isRight: Bool
        switch event.kind {
        case .scalar(let text, let style): isRight = CoreTag.fits(tag, Scalar(text: text, style: style))
        case .sequenceStart: isRight = tag == CoreTag.sequence
        default: isRight = tag == CoreTag.mapping
        }
        guard !isRight else { return }
        findings.report(
            Problem("the tag \(quoted(tag)) is not supported here", hint: "leave the tag out", at: event.start))
    }
}

/// The tags of YAML's core schema.
private enum CoreTag {
    static let text = "tag:yaml.org,2002:str"
    static let sequence = "tag:yaml.org,2002:seq"
    static let mapping = "tag:yaml.org,2002:map"

    static func fits(_ tag: String, _ scalar: Scalar) -> Bool {
        switch (tag, scalar.kind) {
        case (text, _), ("tag:yaml.org,2002:null", .null), ("tag:yaml.org,2002:bool", .boolean),
            ("tag:yaml.org,2002:int", .number), ("tag:yaml.org,2002:float", .number):
            true
        default: false
        }
    }
}
