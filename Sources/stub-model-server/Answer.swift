internal import Glibc

/// The text of answers.
enum Answer {
    static func head(_ status: Int, request: Request, framing: String) -> String {
        "HTTP/1.1 \(status) \(phrase(status))\r\nContent-Type: application/json\r\n\(framing)\r\n"
            + (request.keepsAlive ? "" : "Connection: close\r\n") + "\r\n"
    }

    static func whole(_ status: Int, request: Request, body: String) -> String {
        let head = head(status, request: request, framing: "Content-Length: \(body.utf8.count)")
        return request.method == "HEAD" ? head : head + body
    }

    static func chunk(_ text: String) -> String { "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n" }

    static func body(for request: Request, number: Int, options: Options, grandchild: Int32?) -> String {
        var fields = ["\"pid\":\(getpid())", "\"request\":\(number)", "\"prediction\":[0.5]"]
        if let label = options.label { fields.append("\"label\":\(quoted(label))") }
        if let grandchild { fields.append("\"grandchild\":\(grandchild)") }
        if options.echo {
            let headers = request.headers.map { "[\(quoted($0.name)),\(quoted($0.value))]" }
            fields += [
                "\"method\":\(quoted(request.method))", "\"path\":\(quoted(request.target))",
                "\"body_length\":\(request.bodyLength)", "\"headers\":[\(headers.joined(separator: ","))]",
            ]
        }
        if options.echoEnvironment {
            let pairs = Relatives.inherited.map { assignment in
                let pair = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return "\(quoted(String(pair[0]))):\(quoted(pair.count == 2 ? String(pair[1]) : ""))"
            }
            fields += ["\"uid\":\(getuid())", "\"environment\":{\(pairs.joined(separator: ","))}"]
        }
        if let path = options.echoFile { fields.append("\"file\":\(quoted(firstLine(of: path)))") }
        return "{\(fields.joined(separator: ","))}\n"
    }

    /// What is said while the server does not serve yet.
    static func warmingUp(_ options: Options) -> String {
        "{\"error\":\"warming up\",\"label\":\(quoted(options.label ?? ""))}\n"
    }

    /// At most 200 bytes of it; what cannot be read is said in its place.
    private static func firstLine(of path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "cannot read it: \(String(cString: strerror(errno)))" }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 200)
        let count = max(read(file, &bytes, bytes.count), 0)
        return String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    private static func quoted(_ text: String) -> String {
        var escaped = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": escaped += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped + "\""
    }

    private static func phrase(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 404: "Not Found"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        default: "Status"
        }
    }
}
