import CYAML

/// One event of a YAML file, with the places where it begins and ends.
struct Event {
    enum Kind: Equatable {
        case streamStart
        case streamEnd
        case documentStart
        case documentEnd
        case alias(String)
        case scalar(text: String, style: Scalar.Style)
        case sequenceStart
        case sequenceEnd
        case mappingStart
        case mappingEnd
    }

    let kind: Kind
    let tag: String?
    let anchor: String?
    let start: Position
    let end: Position
}

/// The events of a YAML file, one by one: libyaml without its own tree, so that depth and size can be bounded while
/// it reads. It must not be asked again after it has thrown or the stream has ended.
final class EventStream {
    // On the heap: the parser points into itself.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(_ text: String) throws(Problem) {
        let bytes = Array(text.utf8)
        parser = .allocate(capacity: 1)
        input = .allocate(capacity: bytes.count)
        _ = input.initialize(from: bytes)
        guard yaml_parser_initialize(parser) == 1 else {
            // `deinit` then frees an empty parser.
            parser.initialize(to: yaml_parser_t())
            throw Problem("out of memory", at: .start)
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    func next() throws(Problem) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
        defer { yaml_event_delete(&event) }
        let (kind, tag, anchor) = Self.content(of: event)
        return Event(
            kind: kind, tag: tag, anchor: anchor, start: Position(event.start_mark), end: Position(event.end_mark))
    }

    private static func content(of event: yaml_event_t) -> (Event.Kind, tag: String?, anchor: String?) {
        switch event.type {
        case YAML_STREAM_START_EVENT:
            return (.streamStart, nil, nil)
        case YAML_DOCUMENT_START_EVENT:
            return (.documentStart, nil, nil)
        case YAML_DOCUMENT_END_EVENT:
            return (.documentEnd, nil, nil)
        case YAML_ALIAS_EVENT:
            return (.alias(string(event.data.alias.anchor) ?? ""), nil, nil)
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return (.scalar(text: text, style: Scalar.Style(scalar.style)), string(scalar.tag), string(scalar.anchor))
        case YAML_SEQUENCE_START_EVENT:
            let sequence = event.data.sequence_start
            return (.sequenceStart, string(sequence.tag), string(sequence.anchor))
        case YAML_SEQUENCE_END_EVENT:
            return (.sequenceEnd, nil, nil)
        case YAML_MAPPING_START_EVENT:
            let mapping = event.data.mapping_start
            return (.mappingStart, string(mapping.tag), string(mapping.anchor))
        case YAML_MAPPING_END_EVENT:
            return (.mappingEnd, nil, nil)
        default:
            // Also `YAML_NO_EVENT`, which libyaml yields once the stream has ended.
            return (.streamEnd, nil, nil)
        }
    }

    private static func string(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        text.map { String(cString: $0) }
    }

    private func syntaxError() -> Problem {
        guard let problem = parser.pointee.problem.map({ String(cString: $0) }) else {
            return Problem("out of memory", at: .start)
        }
        var message = "not valid YAML: \(problem)"
        if let context = parser.pointee.context.map({ String(cString: $0) }) {
            message += " \(context)"
            if parser.pointee.context_mark.line != parser.pointee.problem_mark.line {
                message += " (line \(parser.pointee.context_mark.line + 1))"
            }
        }
        return Problem(message, hint: Self.hint(for: problem), at: Position(parser.pointee.problem_mark))
    }

    private static func hint(for problem: String) -> String? {
        switch problem {
        case "mapping values are not allowed in this context":
            "a value that contains `: ` must be in quotes; otherwise look at the indentation"
        case "found character that cannot start any token":
            "YAML is indented with spaces, never with tabs; a value that begins with @, ` or % must be in quotes"
        case "did not find expected key":
            "look at the indentation of this line and of the one before"
        case "could not find expected ':'":
            "a key is followed by `: ` on the same line"
        default: nil
        }
    }
}

extension Position {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: mark.line + 1, column: mark.column + 1)
    }
}

extension Scalar.Style {
    fileprivate init(_ style: yaml_scalar_style_t) {
        switch style {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: self = .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: self = .doubleQuoted
        case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: self = .block
        default: self = .plain
        }
    }
}
