/// What the parts of an image's name may be, as the OCI distribution specification and Docker have it.
package enum ImageGrammar {
    /// Of registry and repository together, in characters.
    package static let longestName = 255
    package static let longestTag = 128
    private static let digestAlgorithm = "sha256:"
    private static let digestDigits = 64

    /// Words in lower case, parted by `/`; within a word letters and digits, parted by `.`, `_`, `__` or dashes.
    package static func isRepository(_ text: String) -> Bool {
        text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(isRepositoryWord)
    }

    private static func isRepositoryWord(_ word: Substring) -> Bool {
        var separator: [UInt8] = []
        var hasText = false
        for byte in word.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                if !separator.isEmpty, !hasText || !isSeparator(separator) { return false }
                separator = []
                hasText = true
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): separator.append(byte)
            default: return false
            }
        }
        return hasText && separator.isEmpty
    }

    private static func isSeparator(_ bytes: [UInt8]) -> Bool {
        switch bytes[0] {
        case UInt8(ascii: "-"): bytes.allSatisfy { $0 == UInt8(ascii: "-") }
        case UInt8(ascii: "_"): bytes.count <= 2 && bytes.allSatisfy { $0 == UInt8(ascii: "_") }
        default: bytes.count == 1
        }
    }

    package static func isTag(_ text: String) -> Bool {
        guard let first = text.utf8.first, isAlphanumeric(first) || first == UInt8(ascii: "_") else { return false }
        return text.utf8.count <= longestTag
            && text.utf8.allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }

    /// `sha256:` and 64 digits. Other algorithms are not in use.
    package static func isDigest(_ text: String) -> Bool {
        text.hasPrefix(digestAlgorithm)
            && text.utf8.dropFirst(digestAlgorithm.utf8.count).count == digestDigits
            && text.utf8.dropFirst(digestAlgorithm.utf8.count).allSatisfy { "0123456789abcdef".utf8.contains($0) }
    }

    /// A host name or an address (IPv6 in brackets), perhaps with a port.
    package static func isRegistry(_ text: String) -> Bool {
        guard text.first == "[" else {
            let colon = text.firstIndex(of: ":") ?? text.endIndex
            return isHostName(text[..<colon]) && isPort(text[colon...])
        }
        guard let close = text.firstIndex(of: "]") else { return false }
        let address = text[..<close].dropFirst()
        return !address.isEmpty && address.utf8.allSatisfy { "0123456789abcdefABCDEF:".utf8.contains($0) }
            && isPort(text[close...].dropFirst())
    }

    private static func isHostName(_ text: Substring) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last else { return false }
            return isAlphanumeric(first) && isAlphanumeric(last)
                && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    /// Nothing, or a colon and a number.
    private static func isPort(_ text: Substring) -> Bool {
        guard !text.isEmpty else { return true }
        let digits = text.utf8.dropFirst()
        guard text.utf8.first == UInt8(ascii: ":"), (1...5).contains(digits.count), digits.first != UInt8(ascii: "0")
        else { return false }
        return digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            && (Int(text.dropFirst()) ?? 0) <= 65535
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
