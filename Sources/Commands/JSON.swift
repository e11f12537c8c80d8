import FoundationEssentials

/// `value` as people and programs read it: snake_case, sorted, indented.
func json(_ value: some Encodable) -> String {
    json(value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
}

/// `value` on one line, as programs read it that take one after the other.
func jsonLine(_ value: some Encodable) -> String { json(value, [.sortedKeys, .withoutEscapingSlashes]) }

private func json(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting
    encoder.keyEncodingStrategy = .convertToSnakeCase
    // What is printed here are values of our own, which all can be encoded.
    guard let data = try? encoder.encode(value) else { return "null" }
    return String(decoding: data, as: UTF8.self)
}
