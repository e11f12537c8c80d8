/// The origin and path prefix that a manifest's `base_url` names.
struct BaseURL: Hashable, Sendable {
    var isTLS: Bool
    /// A name or a numeric address, without brackets.
    var host: String
    var port: Int
    /// Without a slash at its end; empty where there is none.
    var prefix: String

    /// `nil` where `text` is not `http[s]://HOST[:PORT][/PREFIX]`.
    init?(_ text: String) {
        guard text.utf8.allSatisfy(ByteClass.isVisible), !text.contains("?"), !text.contains("#") else { return nil }
        let lowercased = text.lowercased()
        if lowercased.hasPrefix("http://") {
            isTLS = false
        } else if lowercased.hasPrefix("https://") {
            isTLS = true
        } else {
            return nil
        }
        let rest = text.dropFirst(isTLS ? 8 : 7)
        let authority = rest.prefix { $0 != "/" }
        guard let (host, port) = Self.split(authority), !host.isEmpty, !host.contains("@") else { return nil }
        self.host = host
        self.port = port ?? (isTLS ? 443 : 80)
        guard (1...65535).contains(self.port) else { return nil }
        var prefix = rest.dropFirst(authority.count)
        while prefix.hasSuffix("/") { prefix = prefix.dropLast() }
        self.prefix = String(prefix)
    }

    /// What the `Host` header says: the host, and the port where it is not the scheme's own.
    var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isTLS ? 443 : 80) ? name : "\(name):\(port)"
    }

    private static func split(_ authority: Substring) -> (host: String, port: Int?)? {
        var host = authority
        var rest: Substring = ""
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            rest = authority[authority.index(after: end)...]
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            rest = authority[colon...]
        }
        if rest.isEmpty { return (String(host), nil) }
        guard rest.hasPrefix(":"), let port = Int(rest.dropFirst()), !rest.contains("+") else { return nil }
        return (String(host), port)
    }
}
