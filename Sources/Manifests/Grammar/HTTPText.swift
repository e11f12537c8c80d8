/// Reading a node as a part of HTTP. What is accepted goes onto the wire as it is, so nothing may end a line or a
/// field before its time.
extension Node {
    /// An `http://` or `https://` URL with a host and perhaps a port and a path.
    func baseURL() throws(Problem) -> String {
        let text = try nonEmptyString()
        // What may hold a password is not repeated.
        let shown = text.contains("@") ? "the URL" : quoted(text)
        guard text.unicodeScalars.allSatisfy(isVisibleASCII) else {
            throw Problem("\(shown) has a space or a character that must be percent-encoded in a URL")
        }
        guard let scheme = ["http://", "https://"].first(where: { text.hasPrefix($0) }) else {
            throw Problem("\(shown) does not begin with http:// or https://")
        }
        guard !text.contains("?"), !text.contains("#") else {
            throw Problem("a `?` or `#` cannot be part of it", hint: "a query belongs in `endpoint`")
        }
        let authority = text.dropFirst(scheme.count).prefix { $0 != "/" }
        guard !authority.contains("@") else {
            throw Problem("a user or password cannot be part of it", hint: "write an Authorization header in `headers`")
        }
        try checkAuthority(String(authority))
        return text
    }

    private func checkAuthority(_ authority: String) throws(Problem) {
        let host: Substring
        let rest: Substring
        if authority.hasPrefix("["), let close = authority.firstIndex(of: "]") {
            host = authority[...close]
            rest = authority[authority.index(after: close)...]
            guard host.count > 2, host.dropFirst().dropLast().allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." })
            else { throw Problem("\(quoted(String(host))) is not an IPv6 address") }
        } else {
            host = authority.prefix { $0 != ":" }
            rest = authority[host.endIndex...]
            guard !host.isEmpty else { throw Problem("the URL has no host") }
            guard host.unicodeScalars.allSatisfy(isHostCharacter) else {
                throw Problem("\(quoted(String(host))) is not a host name")
            }
        }
        guard !rest.isEmpty else { return }
        let digits = rest.dropFirst()
        guard rest.first == ":", digits.allSatisfy({ ("0"..."9").contains($0) }), let port = Int(digits),
            (1...65_535).contains(port)
        else { throw Problem("\(quoted(String(rest))) is not a port from 1 to 65535") }
    }

    /// The path of a request, with or without a query.
    func requestPath() throws(Problem) -> String {
        let text = try nonEmptyString()
        guard text.hasPrefix("/") else {
            throw Problem("\(quoted(text)) does not begin with `/`", hint: "write \(quoted("/" + text))")
        }
        guard text.unicodeScalars.allSatisfy(isVisibleASCII), !text.contains("#") else {
            throw Problem("\(quoted(text)) has a character that must be percent-encoded in a path")
        }
        return text
    }

    /// The name of a host or its address, as a server binds it.
    func host() throws(Problem) -> String {
        try name("a name such as localhost, or an address such as 127.0.0.1 or ::1") {
            isHostCharacter($0) || $0 == ":"
        }
    }

    /// Headers by name. No value can begin another header, and none of them can change how a message is framed.
    func headers(_ findings: Findings) throws(Problem) -> [String: String] {
        guard case .mapping(let entries) = content else { throw expected("a mapping of header names to values") }
        var headers: [String: String] = [:]
        var lowercased: Set<String> = []
        for entry in entries {
            do throws(Problem) {
                try checkHeaderName(entry)
                guard lowercased.insert(entry.key.lowercased()).inserted else {
                    throw Problem("is given twice, in another spelling", at: entry.keyPosition)
                }
                let value = try entry.value.headerValue()
                headers[entry.key] = value
                guard value.contains("${") else { continue }
                findings.warn(
                    "`headers`: nothing is substituted in headers, and \(quoted(entry.key)) is sent as it is written",
                    at: entry.keyPosition)
            } catch {
                var problem = error
                problem.message = "`headers`: \(quoted(entry.key)) \(problem.message)"
                findings.report(problem, at: entry.value.start)
            }
        }
        return headers
    }

    private func checkHeaderName(_ entry: Entry) throws(Problem) {
        let name = entry.key
        guard !name.isEmpty, name.unicodeScalars.allSatisfy(isToken) else {
            throw Problem("is not the name of a header", at: entry.keyPosition)
        }
        guard !framingHeaders.contains(name.lowercased()) else {
            throw Problem(
                "cannot be set: it belongs to the connection, not to the request", at: entry.keyPosition)
        }
    }

    private func headerValue() throws(Problem) -> String {
        let value = try stringOrNumber()
        guard value.unicodeScalars.allSatisfy({ $0 == " " || $0 == "\t" || isVisibleASCII($0) }) else {
            throw Problem("has a value with a line break, or with another character that no header may hold")
        }
        return value
    }
}

/// What frames a message or manages its connection; a manifest that set one could smuggle a request.
private let framingHeaders: Set<String> = [
    "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
]

private func isVisibleASCII(_ scalar: Unicode.Scalar) -> Bool { (0x21...0x7E).contains(scalar.value) }

private func isHostCharacter(_ scalar: Unicode.Scalar) -> Bool { isASCIIAlphanumeric(scalar) || ".-_".contains(scalar) }

/// The characters of a token, after RFC 9110.
private func isToken(_ scalar: Unicode.Scalar) -> Bool {
    isASCIIAlphanumeric(scalar) || "!#$%&'*+-.^_`|~".contains(scalar)
}

func isASCIIAlphanumeric(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "0"..."9", "A"..."Z", "a"..."z": true
    default: false
    }
}

extension String {
    fileprivate func contains(_ scalar: Unicode.Scalar) -> Bool { unicodeScalars.contains(scalar) }
}
