/// `text` as one word of a line to be pasted into a shell: as it is where nothing in it means anything there.
package func shellWord(_ text: String) -> String {
    guard text.isEmpty || !text.utf8.allSatisfy(isPlain) else { return text }
    var quoted = "'"
    // A single quote ends the quotes, and is said by itself.
    for scalar in text.unicodeScalars { quoted += scalar == "'" ? "'\\''" : String(scalar) }
    return quoted + "'"
}

private func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
        true
    default: "/._-+=:,@%".utf8.contains(byte)
    }
}
