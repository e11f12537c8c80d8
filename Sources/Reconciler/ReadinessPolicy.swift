package import ModelCore

/// How often a loading instance is asked whether it is ready: often at first, when every millisecond of a quick start
/// counts, then less and less.
///
/// The wait is a twentieth of the time that the load has taken so far, so that being noticed late costs no load more
/// than that twentieth, within fixed bounds.
package enum ProbePace {
    /// The shortest wait between two probes.
    package static let shortest = Seconds(milliseconds: 10)
    /// The longest: what a slow load may lose at its end.
    package static let longest = Seconds(milliseconds: 250)
    private static let part: Int64 = 20

    /// The wait before the next probe of a load that began `elapsed` ago.
    package static func interval(after elapsed: Seconds) -> Seconds {
        min(max(Seconds(milliseconds: elapsed.milliseconds / part), shortest), longest)
    }
}

/// What a probe means for an instance that is not ready yet.
package enum LoadProgress: Hashable, Sendable {
    case ready(address: String)
    /// Not yet, and why; `isNotable` where people should see it in `status` rather than wait in ignorance.
    case notYet(reason: String, isNotable: Bool)
}

/// Judges a probe of a loading instance. Pure.
///
/// A startup delay never makes a ready server wait where it answers the default probe with success, or any explicit
/// one; it is the least wait before another answer to the default probe counts.
/// - Parameter waited: the time since the launch.
package func loadProgress(_ verdict: ProbeVerdict, spec: EffectiveSpec, waited: Seconds) -> LoadProgress {
    switch verdict {
    case .ready(let address):
        if spec.readiness == .none, waited < spec.startupDelay {
            return .notYet(reason: "waits for startup_delay (\(spec.startupDelay))", isNotable: false)
        }
        return .ready(address: address)
    case .answered(let status, let address):
        guard spec.readiness.probe?.isStandard == true else {
            return .notYet(reason: "readiness probe was answered with status \(status)", isNotable: true)
        }
        if waited >= spec.startupDelay { return .ready(address: address) }
        return .notYet(reason: "answered with status \(status) before startup_delay was over", isNotable: false)
    case .failed(let reason):
        return .notYet(reason: reason, isNotable: false)
    case .timedOut:
        return .notYet(reason: "accepts connections, but does not answer the readiness probe", isNotable: true)
    case .unreachable(let reason), .stranger(let reason), .unprovable(let reason):
        return .notYet(reason: reason, isNotable: true)
    }
}

/// Counts the failures of an explicit readiness probe of an instance that was ready. A value without I/O.
package struct ReadinessTally: Sendable {
    package enum Change: Hashable, Sendable {
        case becameReady(address: String)
        case becameUnready(reason: String)
    }

    private var failuresInARow = 0
    package private(set) var isReady: Bool

    package init(isReady: Bool) {
        self.isReady = isReady
    }

    /// Takes one more probe into account.
    /// - Parameter isBusy: whether requests are in flight; a busy server that does not answer a probe in time is
    ///   no failure.
    package mutating func note(_ verdict: ProbeVerdict, limit: Int, isBusy: Bool) -> Change? {
        switch verdict {
        case .ready(let address):
            failuresInARow = 0
            if isReady { return nil }
            isReady = true
            return .becameReady(address: address)
        case .timedOut where isBusy:
            return nil
        case .timedOut:
            return failed("readiness probe timed out", limit: limit)
        case .answered(let status, _):
            return failed("readiness probe was answered with status \(status)", limit: limit)
        case .failed(let reason), .unreachable(let reason), .stranger(let reason), .unprovable(let reason):
            return failed(reason, limit: limit)
        }
    }

    private mutating func failed(_ reason: String, limit: Int) -> Change? {
        failuresInARow += 1
        guard isReady, failuresInARow >= limit else { return nil }
        isReady = false
        return .becameUnready(reason: reason)
    }
}
