internal import FoundationEssentials
package import ModelCore

extension ContainerLabels {
    /// FNV-1a (64 bits, 16 hexadecimal digits) over the canonical JSON of the run fields.
    ///
    /// What gives access to the image is no run field: whoever may list containers cannot try guesses of it against the
    /// label.
    package static func runHash(of source: SourceSpec) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A spec has been encoded before, when it was accepted; and an empty name only means that more is looked at.
        guard let json = try? encoder.encode(source.runFields) else { return "" }
        let hash = fnv1a(json)
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { hash, byte in (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    }
}
