/// A size as people read it: `512MiB`, `1.5GiB`.
package struct ByteCount: Hashable, Sendable, CustomStringConvertible {
    package let bytes: Int64

    package init(_ bytes: Int64) {
        self.bytes = bytes
    }

    package var description: String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var size = Double(bytes)
        var unit = 0
        // Not 1024: what would be rounded up to that is written in the next unit.
        while size >= 1023.95, unit < units.count - 1 {
            size /= 1024
            unit += 1
        }
        let tenths = Int64((size * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)\(units[unit])" : "\(tenths / 10).\(tenths % 10)\(units[unit])"
    }
}
