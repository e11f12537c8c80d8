import Glibc
import Synchronization
import TestSupport

/// Asks for predictions at a steady rate, whatever becomes of them, and counts every answer.
///
/// An open loop: a request is due at its time even where those before it have not been answered. What finds no free
/// connection waits for one, and its latency counts from when it was due. None is ever sent twice: one that could not
/// be sent, or whose connection was closed before its answer was whole, has failed.
///
/// One thread and one `poll` over plain sockets, so that it takes little of the machine that it shares with what it
/// asks.
final class LoadGenerator: Sendable {
    struct Plan: Sendable {
        /// What is printed before its figures.
        var name: String
        var port: Int
        var path = "/orchestrator/test/stub"
        /// Requests a second.
        var rate = 500
        /// How many are in flight at most.
        var connections = 64
        /// What answers are told apart by: the text in the body that stands between this and the next quotation mark.
        var marker = #""label":""#
    }

    private let plan: Plan
    private let progress = Mutex(Progress())

    /// What the thread and the test tell one another.
    private struct Progress {
        var seen: Set<String> = []
        var answered = 0
        var isStopping = false
        var report: LoadReport?
    }

    /// More than any test needs: it ends by itself then. In requests.
    static let most = 100_000
    /// Longer than any request may be held; in nanoseconds.
    static let patience: Int64 = 100_000_000_000

    /// Keeps up the load while `body` runs. Returns what came of it, once every request has its answer.
    static func run(_ plan: Plan, _ body: (LoadGenerator) async throws -> Void) async throws -> LoadReport {
        let generator = LoadGenerator(plan)
        generator.start()
        do {
            try await body(generator)
        } catch {
            _ = try? await generator.stop()
            throw error
        }
        let report = try await generator.stop()
        print("modelet-load: \(report)")
        return report
    }

    private init(_ plan: Plan) { self.plan = plan }

    /// Whether an answer has said this.
    func hasSeen(_ label: String) -> Bool { progress.withLock { $0.seen.contains(label) } }

    /// How many requests have been answered, or have failed.
    var answered: Int { progress.withLock(\.answered) }

    private func start() {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                argument.map { Unmanaged<LoadGenerator>.fromOpaque($0).takeRetainedValue().work() }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        pthread_detach(thread)
    }

    private func stop() async throws -> LoadReport {
        progress.withLock { $0.isStopping = true }
        try await eventually("every request has its answer", within: .seconds(120)) {
            progress.withLock { $0.report != nil }
        }
        guard let report = progress.withLock(\.report) else { throw HarnessError("the load has no end") }
        return report
    }

    /// What the thread does.
    private func work() {
        var loop = LoadLoop(plan)
        var seen: Set<String> = []
        while true {
            let isStopping = progress.withLock { $0.isStopping }
            guard loop.turn(isStopping: isStopping) else { break }
            let news = loop.labels.count > seen.count ? Set(loop.labels.keys) : nil
            if let news { seen = news }
            progress.withLock { progress in
                progress.answered = loop.samples.count
                if let news { progress.seen = news }
            }
        }
        let report = loop.report()
        progress.withLock { $0.report = report }
    }
}

/// Nanoseconds of a clock that only goes forward.
func monotonicTime() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
