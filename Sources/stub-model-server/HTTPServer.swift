internal import Glibc

/// Serves connections from one `poll` loop.
struct HTTPServer {
    private let listener: Int32
    private let options: Options
    private let grandchild: Int32?
    private var connections: [Int32: Connection] = [:]
    private var answered = 0
    private var hoard: [[UInt8]] = []
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    /// When it begins to serve.
    private let warmAt: Int64

    init(listener: Int32, options: Options, grandchild: Int32?) {
        self.listener = listener
        self.options = options
        self.grandchild = grandchild
        warmAt = Connection.now() + Int64(options.warmUp)
    }

    mutating func serve() -> Never {
        while true {
            let now = time()
            for descriptor in connections.keys { advance(descriptor, now) }
            var waiting = connections.map { $0.value.interest(descriptor: $0.key) }
            if !options.oneThreaded || connections.isEmpty {
                waiting.append(pollfd(fd: listener, events: Int16(POLLIN), revents: 0))
            }
            let due = connections.values.compactMap(\.due).min()
            _ = poll(&waiting, nfds_t(waiting.count), due.map { timeout(until: $0, now) } ?? -1)
            for entry in waiting where entry.revents != 0 {
                entry.fd == listener ? acceptOne() : receive(entry)
            }
        }
    }

    /// Everything is due once there is the file that the ends of answers wait for.
    private func time() -> Int64 {
        if let path = options.streamEndWhen, access(path, F_OK) == 0 { return .max }
        return Connection.now()
    }

    /// How long to wait for something that is due then, in milliseconds.
    private func timeout(until due: Int64, _ now: Int64) -> Int32 {
        Int32(clamping: min(max(due - now, 0), options.streamEndWhen == nil ? .max : Self.fileLookInterval))
    }

    /// From one look for the file that the ends of answers wait for to the next, in milliseconds.
    private static let fileLookInterval: Int64 = 5

    private mutating func acceptOne() {
        let descriptor = accept(listener, nil, nil)
        guard descriptor >= 0 else { return }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        connections[descriptor] = Connection()
    }

    private mutating func receive(_ entry: pollfd) {
        guard entry.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 else { return }
        let got = recv(entry.fd, &buffer, buffer.count, 0)
        if got > 0 {
            connections[entry.fd]?.received(buffer[..<got])
        } else if got == 0 || (errno != EAGAIN && errno != EINTR) {
            end(entry.fd)
        }
    }

    private mutating func end(_ descriptor: Int32) {
        close(descriptor)
        connections[descriptor] = nil
    }

    /// Takes a connection as far as it goes without waiting.
    private mutating func advance(_ descriptor: Int32, _ now: Int64) {
        while let connection = connections[descriptor] {
            if let request = connection.isIdle ? connections[descriptor]?.takeRequest() : nil {
                answer(request, descriptor, now)
            }
            guard let done = connections[descriptor]?.send(to: descriptor, now: now) else { return }
            switch done {
            case .waits: return
            case .ends: return end(descriptor)
            case .goesOn: continue
            }
        }
    }

    private mutating func answer(_ request: Request, _ descriptor: Int32, _ now: Int64) {
        if let limit = options.crashAfterRequests, answered >= limit {
            signal(SIGSEGV, SIG_DFL)
            raise(SIGSEGV)
        }
        guard Connection.now() >= warmAt else {
            let text = Answer.whole(503, request: request, body: Answer.warmingUp(options))
            connections[descriptor]?.answer([(now, text)], keepsAlive: request.keepsAlive)
            return
        }
        answered += 1
        let path = request.target.prefix { $0 != "?" }
        if request.method == "GET" && path == options.healthPath {
            if let file = options.sickFile, access(file, F_OK) == 0 { return }
            let body = "{\"status\":\(options.status),\"pid\":\(getpid())}\n"
            let text = Answer.whole(options.status, request: request, body: body)
            connections[descriptor]?.answer([(now, text)], keepsAlive: request.keepsAlive)
            return
        }
        if hoard.isEmpty && options.allocate > 0 { fillMemory() }
        if options.printRequests { say("prediction \(answered)\n") }
        let body = Answer.body(for: request, number: answered, options: options, grandchild: grandchild)
        let pieces = pieces(body, request, from: Connection.now() + Int64(options.delay))
        connections[descriptor]?.answer(pieces, keepsAlive: request.keepsAlive)
    }

    private mutating func fillMemory() {
        // Written to: memory that was only asked for is not taken.
        for _ in 0..<options.allocate { hoard.append([UInt8](repeating: 1, count: 1 << 20)) }
    }

    /// The pieces of an answer, each with the time when it is sent.
    private func pieces(_ body: String, _ request: Request, from start: Int64) -> [(due: Int64, text: String)] {
        guard let count = options.stream else { return [(start, Answer.whole(200, request: request, body: body))] }
        let head = Answer.head(200, request: request, framing: "Transfer-Encoding: chunked")
        let chunks = (0..<count).map { index in
            let isHeldBack = index == count - 1 && options.streamEndWhen != nil
            let due = isHeldBack ? .max : start + Int64(index * options.streamInterval)
            return (due, Answer.chunk("{\"chunk\":\(index)}\n"))
        }
        return [(start, head)] + chunks + [(chunks.last?.0 ?? start, "0\r\n\r\n")]
    }
}
