import FoundationEssentials

/// `value` as YAML: the same document as ``json(_:)`` writes, in block style.
func yaml(_ value: some Encodable) -> String {
    guard let tree = try? JSONDecoder().decode(JSONTree.self, from: Data(json(value).utf8)) else { return "null" }
    return tree.yamlLines(depth: 0).joined(separator: "\n")
}

/// A JSON document as such.
private enum JSONTree: Decodable {
    case null
    case flag(Bool)
    case whole(Int64)
    case number(Double)
    case text(String)
    case list([JSONTree])
    case fields([String: JSONTree])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let flag = try? value.decode(Bool.self) {
            self = .flag(flag)
        } else if let whole = try? value.decode(Int64.self) {
            self = .whole(whole)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([JSONTree].self) {
            self = .list(list)
        } else {
            self = .fields(try value.decode([String: JSONTree].self))
        }
    }

    /// Lines without the indentation that their place asks for.
    func yamlLines(depth: Int) -> [String] {
        switch self {
        case .fields(let fields) where !fields.isEmpty:
            return fields.sorted { $0.key < $1.key }.flatMap { key, value in
                let key = Self.scalar(key)
                guard value.isBlock else { return value.yamlLines(depth: depth).map { "\(key): \($0)" } }
                return ["\(key):"] + value.yamlLines(depth: depth + 1).map { "  " + $0 }
            }
        case .list(let items) where !items.isEmpty:
            return items.flatMap { item in
                item.yamlLines(depth: depth + 1).enumerated().map { ($0.offset == 0 ? "- " : "  ") + $0.element }
            }
        case .fields: return ["{}"]
        case .list: return ["[]"]
        case .null: return ["null"]
        case .flag(let flag): return ["\(flag)"]
        case .whole(let number): return ["\(number)"]
        case .number(let number): return ["\(number)"]
        case .text(let text): return [Self.scalar(text)]
        }
    }

    private var isBlock: Bool {
        switch self {
        case .fields(let fields): !fields.isEmpty
        case .list(let items): !items.isEmpty
        case .null, .flag, .whole, .number, .text: false
        }
    }

    /// Plain where that cannot be taken for anything but this text; else in double quotes, whose escapes are JSON's.
    private static func scalar(_ text: String) -> String {
        let isPlain =
            text.first.map { $0.isASCII && $0.isLetter } ?? false
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        return isPlain && !wordsOfYAML.contains(text.lowercased()) ? text : quoted(text)
    }

    /// What some reader of YAML or other takes for something else than text.
    private static let wordsOfYAML: Set<String> = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]

    private static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        guard let data = try? encoder.encode([text]) else { return "\"\"" }
        // Without the brackets of the list.
        return String(String(decoding: data, as: UTF8.self).dropFirst().dropLast())
    }
}
