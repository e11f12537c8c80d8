import Logging
import Synchronization
import TestSupport
import Testing

@testable import Docker

@Suite("The watch over the engine")
struct EngineWatchTests {
    /// A stub whose habits change while it runs.
    private final class Habits: Sendable {
        private let storage = Mutex((hangs: false, closes: 0, events: [String]()))

        /// From now on it answers nothing.
        func hang(_ hangs: Bool = true) { storage.withLock { $0.hangs = hangs } }
        var hangs: Bool { storage.withLock(\.hangs) }
        /// From now on streams that stand are closed.
        func closeStreams() { storage.withLock { $0.closes += 1 } }
        var closes: Int { storage.withLock(\.closes) }
        func tell(_ action: String) { storage.withLock { $0.events.append(action) } }
        func events(from start: Int) -> [String] { storage.withLock { Array($0.events.dropFirst(start)) } }

        func answer(_ request: StubEngine.Request, _ reply: StubReply) async throws {
            if hangs { return try await reply.hang() }
            if request.path == "/_ping" { return try await reply.pong() }
            try await reply.begin()
            let closes = closes
            var told = 0
            while self.closes == closes {
                for action in events(from: told) {
                    told += 1
                    let attributes = #"{"modelet.state":"s1"}"#
                    try await reply.chunk(
                        #"{"Type":"container","Action":"\#(action)","Actor":{"ID":"c","Attributes":\#(attributes)}}"#
                            + "\n")
                }
                try await Task.sleep(for: .milliseconds(1))
            }
            try await reply.end()
        }
    }

    private static func watch(_ stub: StubEngine, limits: EngineLimits = .patient, interval: Duration = .seconds(3600))
        -> EngineWatch
    {
        var times = EngineWatch.Times()
        times.interval = interval
        times.firstRetry = .milliseconds(5)
        times.lastRetry = .milliseconds(20)
        return EngineWatch(
            engine: Engine(address: EngineAddress(socket: stub.socket), limits: limits),
            labels: ["modelet.state": "s1"], times: times, logger: Logger(label: "test"))
    }

    /// Runs the watch while `body` runs.
    private static func run(_ watch: EngineWatch, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await watch.run() }
            try await body()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test("listeners hear first that the engine is there, then what happens at it", .timeLimit(.minutes(2)))
    func events() async throws {
        let habits = Habits()
        let stub = try StubEngine()
        try await stub.run(answer: habits.answer) {
            let watch = Self.watch(stub)
            let signals = watch.signals()
            #expect(watch.state == .unknown)
            try await Self.run(watch) {
                var early = signals.makeAsyncIterator()
                #expect(await early.next() == .reachable)
                #expect(watch.state == .reachable)
                var late = watch.signals().makeAsyncIterator()
                #expect(await late.next() == .reachable)
                habits.tell("die")
                for heard in [await early.next(), await late.next()] {
                    guard case .event(let event) = heard else {
                        Issue.record("\(String(describing: heard))")
                        continue
                    }
                    #expect(event.action == "die")
                }
            }
        }
    }

    /// A cancellation holds its task's lock, and the watch its own: neither may wait for the other.
    @Test("listeners that are cancelled while they are told something hold nobody up", .timeLimit(.minutes(2)))
    func cancelledListeners() async throws {
        let watch = Self.watch(try StubEngine())
        for _ in 0..<2_000 {
            let listener = Task { for await _ in watch.signals() {} }
            await withDiscardingTaskGroup { group in
                group.addTask { for _ in 0..<5 { watch.found() } }
                group.addTask { listener.cancel() }
            }
            await listener.value
        }
    }

    @Test("an engine that is not there is told once, and found when it comes", .timeLimit(.minutes(2)))
    func comesLater() async throws {
        let stub = try StubEngine()
        let watch = Self.watch(stub)
        let signals = watch.signals()
        try await Self.run(watch) {
            var iterator = signals.makeAsyncIterator()
            guard case .unreachable(.unreachable(let sentence)) = await iterator.next() else {
                Issue.record("it is not there")
                return
            }
            #expect(sentence.contains("there is no engine"))
            try await stub.run(answer: Habits().answer) {
                var iterator = signals.makeAsyncIterator()
                // Told once, however often it was tried meanwhile.
                #expect(await iterator.next() == .reachable)
            }
            guard case .unreachable = await iterator.next() else {
                Issue.record("it is gone again")
                return
            }
        }
    }

    @Test(
        "an engine that hangs is found by its ping, and everyone looks again when it is back", .timeLimit(.minutes(2)))
    func hangs() async throws {
        let habits = Habits()
        let stub = try StubEngine()
        try await stub.run(answer: habits.answer) {
            var limits = EngineLimits.patient
            limits.ping = .milliseconds(300)
            let watch = Self.watch(stub, limits: limits, interval: .milliseconds(5))
            let signals = watch.signals()
            try await Self.run(watch) {
                // A loaded machine may make it look hung for a moment: what counts is what comes of it in the end.
                var iterator = signals.makeAsyncIterator()
                while let signal = await iterator.next(), signal != .reachable {}
                habits.hang()
                var lost: EngineWatch.Signal?
                while let signal = await iterator.next() {
                    lost = signal
                    if case .unreachable = signal { break }
                }
                #expect(lost == .unreachable(.timedOut(call: "GET /_ping", after: .milliseconds(300))))
                habits.hang(false)
                while let signal = await iterator.next(), signal != .reachable {}
                #expect(watch.state == .reachable)
            }
        }
    }

    @Test("a stream that a living engine closes is opened anew, and everyone looks again", .timeLimit(.minutes(2)))
    func closedStream() async throws {
        let habits = Habits()
        let stub = try StubEngine()
        try await stub.run(answer: habits.answer) {
            let watch = Self.watch(stub, interval: .milliseconds(1))
            let signals = watch.signals()
            try await Self.run(watch) {
                var iterator = signals.makeAsyncIterator()
                #expect(await iterator.next() == .reachable)
                // It has been seen to be well.
                try await eventually("a ping beside the stream") {
                    stub.requests.filter { $0.path == "/_ping" }.count > 2
                }
                habits.closeStreams()
                #expect(await iterator.next() == .reachable)
            }
        }
    }

    @Test("an engine that closes every stream at once is no reason to hurry", .timeLimit(.minutes(2)))
    func neverStands() async throws {
        let stub = try StubEngine()
        try await stub.run { request, reply in
            if request.path == "/_ping" { return try await reply.pong() }
            try await reply.begin()
            try await reply.end()
        } _: {
            let watch = EngineWatch(
                engine: Engine(address: EngineAddress(socket: stub.socket), limits: .patient), labels: [:],
                logger: Logger(label: "test"))
            let signals = watch.signals()
            try await Self.run(watch) {
                var told = 0
                // 100, 200, 400 ms lie between: at most so many tries are made in the time that passes.
                let begun = ContinuousClock.now
                for await signal in signals {
                    if case .unreachable = signal { told += 1 }
                    if told == 4 { break }
                }
                #expect(ContinuousClock.now - begun >= .milliseconds(690))
            }
        }
    }

    @Test("what a slow listener has lost is made good by a look at everything", .timeLimit(.minutes(2)))
    func slowListener() async throws {
        let habits = Habits()
        let stub = try StubEngine()
        try await stub.run(answer: habits.answer) {
            let watch = Self.watch(stub)
            let slow = watch.signals()
            let quick = watch.signals()
            try await Self.run(watch) {
                var hearing = quick.makeAsyncIterator()
                // Fewer at a time than wait for a listener, so that the one who listens loses none.
                for _ in 0..<4 {
                    for _ in 0..<500 { habits.tell("start") }
                    var heard = 0
                    while heard < 500, let signal = await hearing.next() {
                        if case .event = signal { heard += 1 }
                    }
                }
                var last: EngineWatch.Signal?
                var count = 0
                for await signal in slow {
                    count += 1
                    last = signal
                    if count == 1024 { break }
                }
                #expect(last == .reachable)
            }
        }
    }

    @Test("a watch that is cancelled ends, and hangs up", .timeLimit(.minutes(2)), arguments: [true, false])
    func cancelled(isThere: Bool) async throws {
        let habits = Habits()
        let stub = try StubEngine()
        try await stub.run(answer: habits.answer) {
            if !isThere { habits.hang() }
            let watch = Self.watch(stub)
            try await Self.run(watch) {
                try await eventually("it watches") { stub.open > 0 }
            }
            try await eventually("the connections are closed") { stub.open == 0 }
        }
    }
}
