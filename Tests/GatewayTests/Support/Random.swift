/// The same numbers in every run (SplitMix64).
struct Random {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }

    /// Bytes that mean something in HTTP, and some that must not occur.
    private static let telling = Array("\r\n\t :;,=\"0159afAF-+#?/%\u{0}\u{b}\u{7f}x".utf8) + [0x80, 0xff]

    mutating func mutate(_ bytes: inout [UInt8], corpus: [String]) {
        let place = below(bytes.count + 1)
        switch below(6) {
        case 0: bytes.insert(Self.telling[below(Self.telling.count)], at: place)
        case 1: if place < bytes.count { bytes[place] = Self.telling[below(Self.telling.count)] }
        case 2: if place < bytes.count { bytes.remove(at: place) }
        case 3: bytes.removeSubrange(place..<min(bytes.count, place + below(8)))
        case 4:
            let line = bytes[place..<min(bytes.count, place + below(40))]
            bytes.insert(contentsOf: line, at: below(bytes.count + 1))
        default:
            let other = Array(corpus[below(corpus.count)].utf8)
            bytes.replaceSubrange(place..., with: other[below(other.count)...])
        }
    }
}
