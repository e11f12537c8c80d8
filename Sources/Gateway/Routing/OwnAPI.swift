/// Requests to a model's own API, `/upstream/DOMAIN/SOURCE/MODEL/…`: the key is read as it is written, and what follows
/// it is passed on as it came.
extension RouteIndex {
    /// - Parameters:
    ///   - rest: what follows `/upstream/`.
    ///   - path: the whole path.
    func api(
        _ method: RequestHead.Method, _ rest: UnsafeRawBufferPointer, in path: UnsafeRawBufferPointer
    ) -> Destination {
        var slashes = 0
        let end = rest.indices.first { index in
            if rest[index] == UInt8(ascii: "/") { slashes += 1 }
            return slashes == 3
        }
        let name = UnsafeRawBufferPointer(rebasing: rest[..<(end ?? rest.count)])
        guard let entry = model(named: name) else { return .refused(apiNotFound(name)) }
        let own = UnsafeRawBufferPointer(rebasing: rest[name.count...])
        guard !Self.climbs(own) else {
            return .refused(
                LocalReply(400, "bad_request", "the path has a `..` segment, which would lead out of the model's API"))
        }
        switch method {
        case .connect:
            return .refused(.connect)
        case .trace where !entry.prepared.overrides.lines.isEmpty:
            return .refused(
                .methodNotAllowed("TRACE would show the headers that the manifest adds", allow: Self.usualMethods))
        default:
            return .api(entry, offset: path.count - own.count)
        }
    }

    static let usualMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

    /// Whether a path has a `..` segment, in any spelling that some server may read as one: it could lead out of the
    /// path prefix of a `base_url`. Clients resolve such segments before they send them (RFC 3986 §5.2.4).
    static func climbs(_ path: UnsafeRawBufferPointer) -> Bool {
        var dots = 0
        /// Whether the segment so far is nothing but dots.
        var isDots = true
        var index = 0
        while index < path.count {
            let (byte, length) = Self.byte(path, at: index)
            index += length
            switch byte {
            case UInt8(ascii: "/"), UInt8(ascii: "\\"):
                if isDots, dots == 2 { return true }
                (dots, isDots) = (0, true)
            case UInt8(ascii: ";"):
                // What follows are parameters of the segment, to servers that know them.
                if isDots, dots == 2 { return true }
                isDots = false
            case UInt8(ascii: "."):
                dots += 1
            default:
                isDots = false
            }
        }
        return isDots && dots == 2
    }

    /// The byte at `index`, and how many bytes spell it.
    private static func byte(_ path: UnsafeRawBufferPointer, at index: Int) -> (UInt8, length: Int) {
        guard path[index] == UInt8(ascii: "%"), index + 2 < path.count,
            let high = ByteClass.hexValue(path[index + 1]), let low = ByteClass.hexValue(path[index + 2])
        else { return (path[index], 1) }
        return (high << 4 | low, 3)
    }
}
