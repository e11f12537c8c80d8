/// A request target taken apart (RFC 9112 §3.2): where its path and its query lie.
struct RequestTarget: Equatable {
    var path: Range<Int>
    /// With its question mark; empty where there is none.
    var query: Range<Int>

    /// `nil` where the target is neither a path nor an `http` URL with one.
    init?(_ bytes: UnsafeRawBufferPointer, _ target: Range<Int>) {
        guard let start = Self.pathStart(bytes, target) else { return nil }
        let end = (start..<target.upperBound).first { bytes[$0] == UInt8(ascii: "?") } ?? target.upperBound
        path = start..<end
        query = end..<target.upperBound
    }

    private static func pathStart(_ bytes: UnsafeRawBufferPointer, _ target: Range<Int>) -> Int? {
        if bytes[target.lowerBound] == UInt8(ascii: "/") { return target.lowerBound }
        let scheme: StaticString = "http://"
        let authority = target.lowerBound + scheme.utf8CodeUnitCount
        guard authority < target.upperBound, bytes.token(from: target.lowerBound, to: authority, is: scheme),
            let slash = (authority..<target.upperBound).first(where: { bytes[$0] == UInt8(ascii: "/") }),
            slash > authority, (authority..<slash).allSatisfy({ ByteClass.isAuthority(bytes[$0]) })
        else { return nil }
        return slash
    }

    /// The bytes that a path stands for once its percent escapes are decoded.
    /// - Parameter takesSlash: whether an escape may stand for a slash, as it does in a key that is one segment.
    /// - Returns: `nil` where an escape is malformed, or stands for a byte that would change what the path means: a
    ///   slash, a control character, a byte beyond ASCII.
    static func decoded(_ path: UnsafeRawBufferPointer, takesSlash: Bool = false) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(path.count)
        var index = 0
        while index < path.count {
            guard path[index] == UInt8(ascii: "%") else {
                result.append(path[index])
                index += 1
                continue
            }
            guard index + 2 < path.count, let high = ByteClass.hexValue(path[index + 1]),
                let low = ByteClass.hexValue(path[index + 2])
            else { return nil }
            let byte = high << 4 | low
            guard ByteClass.isVisible(byte), takesSlash || byte != UInt8(ascii: "/"), byte != UInt8(ascii: "%")
            else { return nil }
            result.append(byte)
            index += 3
        }
        return result
    }
}
