import Glibc

/// What the thread of a load generator does: one turn after the other.
struct LoadLoop {
    private let plan: LoadGenerator.Plan
    private let request: [UInt8]
    private let interval: Int64
    private let begin = monotonicTime()
    private var nextDue = monotonicTime()
    private var issued = 0
    /// When those were due that wait for a connection, oldest first.
    private var waiting: [Int64] = []
    private var connections: [LoadConnection]
    /// Those without a request, the longest idle first.
    private var idle: [Int]
    private var descriptors: [pollfd]

    private(set) var samples: [LoadSample] = []
    private(set) var labels: [String: Int] = [:]

    init(_ plan: LoadGenerator.Plan) {
        self.plan = plan
        interval = 1_000_000_000 / Int64(plan.rate)
        request = Array(
            """
            POST \(plan.path) HTTP/1.1\r
            Host: 127.0.0.1\r
            Content-Type: application/json\r
            Content-Length: 2\r
            \r
            {}
            """.utf8)
        connections = Array(repeating: LoadConnection(), count: plan.connections)
        idle = Array(0..<plan.connections)
        descriptors = Array(repeating: pollfd(fd: -1, events: Int16(POLLIN), revents: 0), count: plan.connections)
        samples.reserveCapacity(LoadGenerator.most)
    }

    /// Sends what is due, waits until something happens, and takes what has come. Returns whether there is more to do.
    mutating func turn(isStopping: Bool) -> Bool {
        let now = monotonicTime()
        let isEnding = isStopping || issued >= LoadGenerator.most
        while !isEnding, nextDue <= now, issued < LoadGenerator.most {
            // What this thread itself is late by is no latency of whom it asks.
            waiting.append(now)
            nextDue += interval
            issued += 1
        }
        var taken = 0
        while taken < waiting.count, let index = idle.first {
            idle.removeFirst()
            send(on: index, due: waiting[taken])
            taken += 1
        }
        waiting.removeFirst(taken)
        if isEnding, waiting.isEmpty, idle.count == connections.count {
            for index in connections.indices { connections[index].close() }
            return false
        }
        wait(until: isEnding ? now + Self.longestWait : min(nextDue, now + Self.longestWait))
        return true
    }

    /// Somebody may want it to stop; in nanoseconds.
    private static let longestWait: Int64 = 50_000_000

    private mutating func wait(until time: Int64) {
        for index in connections.indices { descriptors[index].fd = connections[index].descriptor }
        let milliseconds = (max(time - monotonicTime(), 0) + 999_999) / 1_000_000
        _ = poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: milliseconds))
        let now = monotonicTime()
        for index in connections.indices {
            if descriptors[index].revents != 0 { take(from: index) }
            descriptors[index].revents = 0
            if let since = connections[index].exchange?.sent, now - since > LoadGenerator.patience {
                finish(index, .failed("not answered in time"))
            }
        }
    }

    private mutating func send(on index: Int, due: Int64) {
        let sent = monotonicTime()
        connections[index].exchange = LoadConnection.Exchange(due: due, sent: sent)
        if let fault = connections[index].send(request, to: plan.port) { finish(index, .failed(fault)) }
    }

    private mutating func take(from index: Int) {
        // One that idles has been closed by the other side, which is its right.
        guard connections[index].exchange != nil else { return connections[index].close() }
        switch connections[index].receive(marker: plan.marker) {
        case .more: break
        case .answer(let status, let label): finish(index, .answered(status, label))
        case .fault(let reason): finish(index, .failed(reason))
        }
    }

    private enum Outcome {
        case answered(Int, String)
        case failed(String)
    }

    private mutating func finish(_ index: Int, _ outcome: Outcome) {
        guard let exchange = connections[index].exchange else { return }
        connections[index].exchange = nil
        idle.append(index)
        var sample = LoadSample(due: exchange.due, sent: exchange.sent, ended: monotonicTime())
        switch outcome {
        case .answered(let status, let label):
            sample.status = status
            sample.label = number(of: status == 200 ? label : "\(status): \(label)")
        case .failed(let reason):
            connections[index].close()
            sample.label = number(of: "no answer: \(reason)")
        }
        samples.append(sample)
    }

    private mutating func number(of label: String) -> Int {
        if let number = labels[label] { return number }
        labels[label] = labels.count
        return labels.count - 1
    }

    func report() -> LoadReport {
        LoadReport(
            name: plan.name, samples: samples, texts: labels.sorted { $0.value < $1.value }.map(\.key),
            duration: monotonicTime() - begin)
    }
}
