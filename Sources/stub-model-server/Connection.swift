internal import Glibc

/// One connection: at most one request at a time is being answered; others wait in the parser.
struct Connection {
    private var parser = RequestParser()
    private var pieces: [(due: Int64, text: String)] = []
    private var unsent: [UInt8] = []
    private var closesAfterwards = false

    /// Milliseconds of a clock that only goes forward.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    var isIdle: Bool { pieces.isEmpty && unsent.isEmpty && !closesAfterwards }

    /// When the next piece of the answer is to be sent.
    var due: Int64? { unsent.isEmpty ? pieces.first?.due : nil }

    func interest(descriptor: Int32) -> pollfd {
        // A client that has sent enough must not fill our memory while it waits.
        pollfd(fd: descriptor, events: Int16(unsent.isEmpty ? POLLIN : POLLOUT), revents: 0)
    }

    mutating func received(_ bytes: ArraySlice<UInt8>) {
        parser.append(bytes)
    }

    /// The next complete request.
    mutating func takeRequest() -> Request? {
        switch parser.next() {
        case .none: return nil
        case .request(let request): return request
        case .wantsContinue:
            unsent += Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
            return nil
        case .malformed:
            unsent += Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
            closesAfterwards = true
            return nil
        }
    }

    mutating func answer(_ pieces: [(due: Int64, text: String)], keepsAlive: Bool) {
        self.pieces = pieces
        closesAfterwards = !keepsAlive
    }

    enum Progress {
        case waits
        case ends
        /// Something was sent: there may be more to do.
        case goesOn
    }

    mutating func send(to descriptor: Int32, now: Int64) -> Progress {
        while let piece = pieces.first, piece.due <= now {
            unsent += Array(piece.text.utf8)
            pieces.removeFirst()
        }
        guard !unsent.isEmpty else { return closesAfterwards && pieces.isEmpty ? .ends : .waits }
        let sent = Glibc.send(descriptor, unsent, unsent.count, Int32(MSG_NOSIGNAL))
        if sent < 0 { return errno == EAGAIN || errno == EINTR ? .waits : .ends }
        unsent.removeFirst(sent)
        return .goesOn
    }
}
