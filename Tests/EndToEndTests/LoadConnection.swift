import Glibc

/// A kept connection of a load generator, with at most one request in flight. It never waits.
struct LoadConnection {
    struct Exchange {
        /// When the request was to be sent, and when it was; in nanoseconds of ``monotonicTime()``.
        var due: Int64
        var sent: Int64
    }

    enum Progress {
        /// The answer is not whole yet.
        case more
        case answer(status: Int, label: String)
        case fault(String)
    }

    /// -1 while it is closed.
    private(set) var descriptor: Int32 = -1
    var exchange: Exchange?
    private var received: [UInt8] = []

    mutating func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
        received.removeAll(keepingCapacity: true)
    }

    /// Sends a request whole, over a new connection where there is none. Returns what went wrong.
    mutating func send(_ request: [UInt8], to port: Int) -> String? {
        if descriptor < 0, let fault = open(port) { return fault }
        let sent = Glibc.send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
        if sent == request.count { return nil }
        return sent < 0 ? "cannot send: \(String(cString: strerror(errno)))" : "cannot send all at once"
    }

    /// On the loopback a connection is there at once, or not at all.
    private mutating func open(_ port: Int) -> String? {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return "no socket: \(String(cString: strerror(errno)))" }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { return "cannot connect: \(String(cString: strerror(errno)))" }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        return nil
    }

    /// Takes what has come.
    /// - Parameter marker: what stands before the answer's label.
    mutating func receive(marker: String) -> Progress {
        withUnsafeTemporaryAllocation(byteCount: Self.mostAtOnce, alignment: 1) { buffer in
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count < 0 {
                return errno == EAGAIN || errno == EINTR
                    ? .more : .fault("broken: \(String(cString: strerror(errno)))")
            }
            guard count > 0 else { return .fault("closed before the answer was whole") }
            received.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            return parse(marker)
        }
    }

    /// What is read with one call, in bytes.
    private static let mostAtOnce = 64 * 1024

    private mutating func parse(_ marker: String) -> Progress {
        guard let end = Self.find("\r\n\r\n", in: received) else { return .more }
        let head = String(decoding: received[..<end], as: UTF8.self).lowercased()
        let lines = head.split(separator: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }),
            let field = lines.first(where: { $0.hasPrefix("content-length:") }),
            let length = Int(field.dropFirst(15).drop { $0 == " " })
        else { return .fault("an answer without status and length: \(head)") }
        let body = received[(end + 4)...]
        guard body.count >= length else { return .more }
        guard body.count == length else { return .fault("more bytes than were announced") }
        let label = Self.label(in: Array(body), after: marker) ?? Self.label(in: Array(body), after: Self.codeMarker)
        received.removeAll(keepingCapacity: true)
        if lines.contains("connection: close") { close() }
        return .answer(status: status, label: label ?? "")
    }

    /// What stands before the kind of the gateway's own errors.
    private static let codeMarker = #""code":""#

    /// What stands between the marker and the next quotation mark; `nil` where there is no marker.
    private static func label(in body: [UInt8], after marker: String) -> String? {
        guard let start = find(marker, in: body) else { return nil }
        let rest = body[(start + marker.utf8.count)...]
        return String(decoding: rest.prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }

    private static func find(_ text: String, in bytes: [UInt8]) -> Int? {
        let wanted = Array(text.utf8)
        return bytes.withUnsafeBytes { all in
            guard var start = all.baseAddress, let first = wanted.first else { return nil }
            let end = start + all.count
            while end - start >= wanted.count, let found = memchr(start, Int32(first), end - start) {
                start = UnsafeRawPointer(found)
                guard end - start >= wanted.count else { return nil }
                if memcmp(start, wanted, wanted.count) == 0 { return all.count - (end - start) }
                start += 1
            }
            return nil
        }
    }
}
