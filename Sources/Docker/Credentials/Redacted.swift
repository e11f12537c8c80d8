/// What a program said of its failure, fit to be shown: one line, short, and without what might be a secret.
///
/// Programs that handle secrets are asked to say an error, and nothing else. One that does not must not undo the care of
/// all others.
struct Redacted: Hashable, Sendable {
    let text: String

    /// In characters.
    private static let longestText = 200
    /// In characters. Tokens and keys are long words; words of messages are not.
    private static let longestWord = 24

    init(_ said: String) {
        let line = said.split(whereSeparator: \.isNewline).first { !$0.allSatisfy(\.isWhitespace) } ?? ""
        // An answer in JSON is one with a secret in it.
        guard !said.contains("{") else {
            text = ""
            return
        }
        let words = line.split(whereSeparator: \.isWhitespace).map { word in
            Self.isHarmless(word) ? String(word) : "…"
        }
        text = String(words.joined(separator: " ").prefix(Self.longestText))
    }

    private static func isHarmless(_ word: Substring) -> Bool {
        let isPrintable = word.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
        guard isPrintable else { return false }
        if word.count <= longestWord { return true }
        // A name of a service, a file or an API: long, and made of words.
        return word.split { !$0.isLetter && !$0.isNumber }.allSatisfy { $0.count <= longestWord }
            && !word.contains { "=+".contains($0) }
    }
}
