/// One request of a load and what came of it. Times are nanoseconds of ``monotonicTime()``.
struct LoadSample: Sendable {
    var due: Int64
    var sent: Int64
    var ended: Int64
    /// 0 where there was no answer.
    var status = 0
    /// The number of what the answer said of itself, or of why there is none.
    var label = 0
}

/// What came of a load: every request of it.
struct LoadReport: Sendable, CustomStringConvertible {
    let name: String
    let samples: [LoadSample]
    /// Labels and reasons by their number, in the order of their first appearance.
    let texts: [String]
    /// From the first request to the last answer, in nanoseconds.
    let duration: Int64

    private var successes: [LoadSample] { samples.filter { $0.status == 200 } }

    /// What answered with success, in the order of the first answers.
    var labels: [String] {
        var seen: Set<Int> = []
        return successes.filter { seen.insert($0.label).inserted }.map { texts[$0.label] }
    }

    /// What did not succeed: each kind and how often it happened.
    var failures: [String: Int] { failures(outside: []) }

    /// - Parameter windows: times in which failures do not count: no request that was under way in one of them.
    func failures(outside windows: [ClosedRange<Int64>]) -> [String: Int] {
        let failed = samples.filter { sample in
            sample.status != 200 && !windows.contains { $0.overlaps(sample.sent...sample.ended) }
        }
        return Dictionary(failed.map { (texts[$0.label], 1) }, uniquingKeysWith: +)
    }

    /// Successful answers that said `label`, to requests sent at `time` or later.
    func answers(_ label: String, sentSince time: Int64) -> Int {
        successes.count { $0.sent >= time && texts[$0.label] == label }
    }

    /// The latency, from when a request was due, that this part of the successful ones did not exceed; in milliseconds.
    func latency(_ part: Double) -> Double {
        let all = successes.map { $0.ended - $0.due }.sorted()
        guard !all.isEmpty else { return 0 }
        return Double(all[min(Int(Double(all.count) * part), all.count - 1)]) / 1e6
    }

    var description: String {
        let rate = Double(samples.count) * 1e9 / Double(max(duration, 1))
        let times = [("p50", 0.5), ("p99", 0.99), ("max", 1)].map { "\($0.0) \(Self.rounded(latency($0.1))) ms" }
        let failed = failures
        return "\(name): \(samples.count) requests, \(Int(rate))/s, \(successes.count) succeeded "
            + "(\(labels.count) versions); \(times.joined(separator: ", "))"
            + (failed.isEmpty
                ? "" : "; failed: \(failed.sorted { $0.value > $1.value }.map { "\($0.key) ×\($0.value)" })")
    }

    private static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
