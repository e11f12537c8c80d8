/// Which GPUs a container gets, as `gpus` says: `all`, a number of them, or `device=0,1`.
package enum GPURequest: Hashable, Sendable {
    case all
    case count(Int)
    /// Indexes, or uuids as `nvidia-smi -L` lists them.
    case devices([String])

    /// More is surely a mistake.
    private static let most = 1024

    package init?(_ text: String) {
        if text == "all" {
            self = .all
        } else if let count = Int(text), text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }) {
            guard (1...Self.most).contains(count) else { return nil }
            self = .count(count)
        } else {
            let prefix = "device="
            guard text.hasPrefix(prefix) else { return nil }
            let ids = text.dropFirst(prefix.count).split(separator: ",", omittingEmptySubsequences: false)
            guard ids.allSatisfy(Self.isID), Set(ids).count == ids.count else { return nil }
            self = .devices(ids.map(String.init))
        }
    }

    private static func isID(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, first != UInt8(ascii: "-") else { return false }
        return text.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || "-_.:/".unicodeScalars.contains(scalar))
        }
    }
}
