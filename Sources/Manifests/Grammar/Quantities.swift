package import ModelCore

/// Reading a node as a span of time or a size.
extension Node {
    /// A span of time: a number of seconds, or text such as `1m30s`, `500ms`, `2h`.
    func duration(isZeroAllowed: Bool = false) throws(Problem) -> Seconds {
        let span = try anyDuration()
        guard span > .zero || isZeroAllowed else { throw Problem("must be more than 0 seconds") }
        guard span <= .longestInManifest else { throw Problem("must not be more than 365 days") }
        return span
    }

    private func anyDuration() throws(Problem) -> Seconds {
        let what = "a number of seconds, or a text such as 30s or 1m30s"
        guard case .scalar(let scalar) = content else { throw expected(what) }
        switch scalar.kind {
        case .number:
            if scalar.text.hasPrefix("-") { throw Problem("must not be negative, found \(quoted(scalar.text))") }
            guard let seconds = decimal(scalar.text) else { throw expected(what) }
            return Seconds(rounding: seconds * 1000)
        case .text:
            guard let span = Seconds(manifestText: scalar.text) else {
                let isBare = decimal(scalar.text) != nil
                throw expected(what, hint: isBare ? "leave the quotes out, or add a unit" : "units: h, m, s, ms")
            }
            return span
        case .null, .boolean, .looseBoolean:
            throw expected(what)
        }
    }

    /// A size in bytes: a whole number, or text such as `2GiB`, `512MB`.
    func size(atLeast smallest: Int64 = 1) throws(Problem) -> Int64 {
        let what = "a number of bytes, or a text such as 2GiB or 512MB"
        guard case .scalar(let scalar) = content else { throw expected(what) }
        let bytes: Double
        switch scalar.kind {
        case .number:
            if scalar.text.hasPrefix("-") { throw Problem("must not be negative, found \(quoted(scalar.text))") }
            guard let count = decimal(scalar.text), count == count.rounded() else { throw expected(what) }
            bytes = count
        case .text:
            bytes = try sizeWithUnit(scalar.text, what)
        case .null, .boolean, .looseBoolean:
            throw expected(what)
        }
        guard bytes >= Double(smallest) else { throw Problem("must be at least \(smallest) bytes") }
        guard bytes <= Double(Self.largestSize) else { throw Problem("must be at most 1 PiB") }
        return Int64(bytes)
    }

    /// More than any host has, and small enough to be exact in a `Double`.
    fileprivate static let largestSize: Int64 = 1 << 50

    private func sizeWithUnit(_ text: String, _ what: String) throws(Problem) -> Double {
        let (number, unit) = quantity(text)
        guard decimal(String(number)) != nil else { throw expected(what) }
        if let bytes = bytes(number, unit) { return bytes }
        let isAmbiguous = unit.count == 1 && "kKmMgGtT".contains(unit)
        let letter = unit.prefix(1).uppercased()
        throw expected(
            what, hint: isAmbiguous ? "write \(number)\(letter)iB (of 1024) or \(number)\(letter)B (of 1000)" : nil)
    }

    /// A number of processors, with or without quotes, as docker compose has it.
    func processors() throws(Problem) -> Double {
        let most = 4096.0
        guard case .scalar(let scalar) = content, let count = decimal(scalar.text), count > 0, count <= most else {
            throw expected("a number of CPUs, such as 2 or 0.5")
        }
        return count
    }
}

/// A size in bytes as manifests write it, or a number of bytes; `nil` where the text is neither, or beyond 1 PiB.
package func sizeInBytes(_ text: String) -> Int64? {
    let (number, unit) = quantity(text)
    guard let bytes = bytes(number, unit.isEmpty ? "B" : unit), bytes <= Double(Node.largestSize) else { return nil }
    return Int64(bytes)
}

private func quantity(_ text: String) -> (number: Substring, unit: String) {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    var unit = String(text[number.endIndex...])
    if unit.first == " " { unit.removeFirst() }
    return (number, unit)
}

private func bytes(_ number: Substring, _ unit: String) -> Double? {
    guard let count = decimal(String(number)), let factor = sizeUnits[unit] else { return nil }
    return (count * factor).rounded()
}

private let sizeUnits: [String: Double] = [
    "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
    "KiB": 1024, "MiB": 1_048_576, "GiB": 1_073_741_824, "TiB": 1_099_511_627_776,
    "Ki": 1024, "Mi": 1_048_576, "Gi": 1_073_741_824, "Ti": 1_099_511_627_776,
]

/// Digits with at most one point among them: no sign, exponent, or needless zero that could mean octal.
private func decimal(_ text: String) -> Double? {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let isDigits = { (part: Substring.UTF8View) in
        !part.isEmpty && part.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
    guard (1...2).contains(parts.count), parts.allSatisfy(isDigits) else { return nil }
    guard parts[0].count == 1 || parts[0].first != UInt8(ascii: "0") else { return nil }
    return Double(text)
}

extension Seconds {
    /// More is surely a mistake, and would overflow somewhere.
    static let longestInManifest = Seconds(365 * 24 * 3600)

    fileprivate init(rounding milliseconds: Double) {
        // Bounded before it is converted: a conversion that overflows would end the program.
        self.init(milliseconds: Int64(min(milliseconds, 1e15).rounded()))
    }

    /// `1h`, `1m30s`, `500ms`: each unit at most once, from large to small.
    package init?(manifestText text: String) {
        let units: [(name: String, milliseconds: Double)] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
        var rest = text[...]
        var next = 0
        var total = 0.0
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest[number.endIndex...]
            let name = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest[name.endIndex...]
            guard let count = decimal(String(number)), let unit = units[next...].firstIndex(where: { $0.name == name })
            else { return nil }
            total += count * units[unit].milliseconds
            next = unit + 1
        }
        guard next > 0 else { return nil }
        self.init(rounding: total)
    }
}
