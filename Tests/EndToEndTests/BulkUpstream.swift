import Glibc

/// An upstream on a thread of its own that takes bodies of any size and answers how many bytes came; asked for
/// `/N`, it answers with N bytes. One connection at a time.
final class BulkUpstream: Sendable {
    let port: Int
    private let listener: Int32

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw HarnessError("cannot listen") }
        listener = descriptor
        port = Int(UInt16(bigEndian: address.sin_port))
        var thread = pthread_t()
        let context = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
        context.initialize(to: descriptor)
        pthread_create(
            &thread, nil,
            { argument in
                guard let listener = argument?.assumingMemoryBound(to: Int32.self) else { return nil }
                defer { listener.deallocate() }
                while case let connection = accept(listener.pointee, nil, nil), connection >= 0 {
                    var exchange = BulkExchange(connection)
                    while exchange.serve() {}
                    Glibc.close(connection)
                }
                return nil
            }, context)
        pthread_detach(thread)
    }

    /// Ends the thread, once it has served the present connection.
    func close() { shutdown(listener, Int32(SHUT_RDWR)) }
}

/// The requests of one connection.
private struct BulkExchange {
    private let connection: Int32
    private var buffer = [UInt8](repeating: 0, count: 1 << 20)
    private var line: [UInt8] = []
    private var next = 0
    private var end = 0

    init(_ connection: Int32) { self.connection = connection }

    /// Serves one request. Returns whether there may be another.
    mutating func serve() -> Bool {
        guard let first = readLine(), !first.isEmpty else { return false }
        let size = Int(first.split(separator: " ").dropFirst().first?.dropFirst() ?? "") ?? 0
        var length = 0
        var isChunked = false
        while let field = readLine(), !field.isEmpty {
            let lowercased = field.lowercased()
            if lowercased.hasPrefix("content-length:") { length = Int(lowercased.dropFirst(16)) ?? 0 }
            if lowercased.hasPrefix("transfer-encoding: chunked") { isChunked = true }
        }
        let received = isChunked ? takeChunks() : take(length)
        let body = size > 0 ? "" : "\(received)"
        send(Array("HTTP/1.1 200 OK\r\nContent-Length: \(size > 0 ? size : body.utf8.count)\r\n\r\n\(body)".utf8)[...])
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        var left = size
        while left > 0 {
            guard send(zeros.prefix(left)) else { return false }
            left -= min(left, zeros.count)
        }
        return true
    }

    private mutating func takeChunks() -> Int {
        var total = 0
        while let line = readLine(), let size = Int(line, radix: 16) {
            total += take(size)
            _ = readLine()
            if size == 0 { break }
        }
        return total
    }

    private mutating func take(_ count: Int) -> Int {
        var left = count
        while left > 0 {
            guard next < end || fill() else { break }
            let taken = min(left, end - next)
            next += taken
            left -= taken
        }
        return count - left
    }

    private mutating func readLine() -> String? {
        line.removeAll(keepingCapacity: true)
        while true {
            guard next < end || fill() else { return nil }
            let byte = buffer[next]
            next += 1
            if byte == UInt8(ascii: "\n") { return String(decoding: line.dropLast(), as: UTF8.self) }
            line.append(byte)
        }
    }

    private mutating func fill() -> Bool {
        next = 0
        end = max(0, recv(connection, &buffer, buffer.count, 0))
        return end > 0
    }

    @discardableResult
    private func send(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }
}
