import Glibc

/// One HTTP exchange over a connection of its own, as plain as can be: what the tests send is what goes out.
struct HTTPCall {
    struct Answer {
        var status: Int
        /// By name in lower case.
        var headers: [String: String]
        var body: String
    }

    var port: Int
    var method = "POST"
    var path: String
    var body = "{}"

    /// Blocks a thread of its own until the answer is there.
    func send() async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            let call = Detached { continuation.resume(with: Result { try self.sendBlocking() }) }
            var thread = pthread_t()
            pthread_create(
                &thread, nil,
                { argument in
                    argument.map { Unmanaged<Detached>.fromOpaque($0).takeRetainedValue().work() }
                    return nil
                }, Unmanaged.passRetained(call).toOpaque())
            pthread_detach(thread)
        }
    }

    /// What a thread of its own does.
    private final class Detached: Sendable {
        let work: @Sendable () -> Void
        init(_ work: @escaping @Sendable () -> Void) { self.work = work }
    }

    private func sendBlocking() throws -> Answer {
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(connection) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw HarnessError("cannot connect to port \(port)") }
        let head = """
            \(method) \(path) HTTP/1.1\r
            Host: 127.0.0.1\r
            Content-Type: application/json\r
            Content-Length: \(body.utf8.count)\r
            Connection: close\r
            \r

            """
        var bytes = Array((head + body).utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw HarnessError("the connection was closed while sending") }
            bytes = bytes.dropFirst(count)
        }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case let count = recv(connection, &chunk, chunk.count, 0), count > 0 { answer += chunk[..<count] }
        return try Self.parse(String(decoding: answer, as: UTF8.self))
    }

    private static func parse(_ text: String) throws -> Answer {
        guard let end = text.range(of: "\r\n\r\n") else { throw HarnessError("no answer: \(text.debugDescription)") }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        let statusLine = lines[0].split(separator: " ")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            headers[pair[0].lowercased()] = pair.count == 2 ? pair[1].drop { $0 == " " }.description : ""
        }
        var body = String(text[end.upperBound...])
        if headers["transfer-encoding"] == "chunked" { body = unchunk(body) }
        return Answer(status: Int(statusLine[1]) ?? 0, headers: headers, body: body)
    }

    private static func unchunk(_ text: String) -> String {
        var rest = Substring(text)
        var body = ""
        while let line = rest.range(of: "\r\n"), let size = Int(rest[..<line.lowerBound], radix: 16), size > 0 {
            let chunk = rest[line.upperBound...].utf8.prefix(size)
            body += String(Substring(chunk))
            // By bytes: as a character, the line end is one.
            rest = Substring(rest.utf8[chunk.endIndex...].dropFirst(2))
        }
        return body
    }
}

extension StringProtocol {
    /// The first place where `other` stands.
    fileprivate func range(of other: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(other) { return start..<index(start, offsetBy: other.count) }
            start = index(after: start)
        }
        return nil
    }
}
