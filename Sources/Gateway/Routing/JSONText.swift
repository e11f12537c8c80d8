/// Writes one flat JSON object, member by member.
struct JSONText {
    private var text = "{"

    mutating func add(_ name: String, _ value: String) {
        addName(name)
        text += Self.quoted(value)
    }

    mutating func add(_ name: String, _ value: Int) {
        addName(name)
        text += String(value)
    }

    mutating func add(_ name: String, _ value: Bool) {
        addName(name)
        text += value ? "true" : "false"
    }

    mutating func add(_ name: String, _ values: [String]) {
        addName(name)
        text += "[" + values.map(Self.quoted).joined(separator: ",") + "]"
    }

    /// The object, and a line feed so that a terminal shows it well.
    var finished: String { text + "}\n" }

    private mutating func addName(_ name: String) {
        if text.utf8.count > 1 { text += "," }
        text += Self.quoted(name) + ":"
    }

    private static func quoted(_ value: String) -> String {
        var result = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}":
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
