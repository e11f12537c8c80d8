/// Turns the bytes of a manifest into text, refusing what no manifest may hold.
///
/// libyaml would find these too, but ahead of what it has parsed, and without a place.
/// - Parameter read: is given the text before it is checked further, for excerpts.
func manifestText(_ bytes: [UInt8], read: (String) -> Void) throws(Problem) -> String {
    guard let text = utf8Text(of: bytes) else {
        throw Problem(
            "the file is not UTF-8 text", hint: "save it as UTF-8", at: positionOfFirstError(in: content(of: bytes)))
    }
    read(text)
    if let problem = forbiddenCharacter(in: text) ?? tagDirective(in: text) { throw problem }
    return text
}

/// What the bytes of a file say; `nil` where they are not UTF-8.
func utf8Text(of bytes: [UInt8]) -> String? { String(validating: content(of: bytes), as: UTF8.self) }

private func content(of bytes: [UInt8]) -> ArraySlice<UInt8> {
    bytes.starts(with: byteOrderMark) ? bytes[byteOrderMark.count...] : bytes[...]
}

private let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

private func positionOfFirstError(in bytes: ArraySlice<UInt8>) -> Position {
    var valid = String.UnicodeScalarView()
    var iterator = bytes.makeIterator()
    var decoder = UTF8()
    while case .scalarValue(let scalar) = decoder.decode(&iterator) { valid.append(scalar) }
    return SourceText.end(of: String(valid))
}

private func forbiddenCharacter(in text: String) -> Problem? {
    let scalars = text.unicodeScalars
    guard let index = scalars.firstIndex(where: isForbidden) else { return nil }
    let code = String(scalars[index].value, radix: 16, uppercase: true)
    let name = code == "0" ? "a NUL character" : "the control character U+\(code)"
    return Problem("the file contains \(name)", at: SourceText.end(of: String(scalars[..<index])))
}

private func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x85, 0xA0...0xFFFD, 0x10000...: false
    default: true
    }
}

/// libyaml compares each `%TAG` with all before it: a megabyte of them would take minutes. No manifest needs one.
private func tagDirective(in text: String) -> Problem? {
    var line = 0
    for content in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        line += 1
        if content.starts(with: "%TAG".utf8) {
            return Problem("`%TAG` directives are not supported", at: Position(line: line, column: 1))
        }
    }
    return nil
}
