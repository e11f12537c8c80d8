package import ModelCore

/// How the liveness of one instance is judged.
package struct LivenessRules: Hashable, Sendable {
    /// Failures in a row that mean that it is dead.
    package var failures: Int
    /// How long a probe waits for its answer.
    package var timeout: Seconds
    /// For how long after a prediction the gateway may keep a connection: a server that serves one at a time answers
    /// no probe meanwhile.
    package var keepAlive: Seconds
    /// How long a prediction may take. A busy server that has been silent for longer answers nobody.
    package var prediction: Seconds

    /// - Parameter probe: the manifest's `liveness`.
    package init(_ probe: ProbeSpec, _ spec: EffectiveSpec) {
        failures = probe.effectiveFailures
        timeout = probe.effectiveTimeout
        keepAlive = spec.keepAlive
        prediction = spec.timeout
    }
}

extension EffectiveSpec {
    /// What is asked; `nil` where nothing is. Who may answer is said once, for readiness, unless it is said for both.
    package var liveness: ProbeSpec? {
        guard var probe = spec.liveness else { return nil }
        probe.owner = probe.owner ?? readiness.probe?.owner
        return probe
    }
}

/// Counts the failures of an instance's liveness probe. A value without I/O.
///
/// What is no failure: a probe that goes unanswered although predictions were answered since the one before, or while
/// the gateway keeps a connection open that a one-threaded server waits on; one that times out while requests are in
/// flight, until the server has been silent for as long as a prediction may take; one of which it cannot be told who
/// answers. What the server itself says with its status always counts, whatever predictions do.
package struct LivenessTally: Sendable {
    package struct Death: Hashable, Sendable {
        /// A sentence that begins with `liveness probe fails`.
        package var cause: String
        /// Whether the server says nothing at all, so that nothing of what is in flight can be expected to end well.
        package var isSilent: Bool
    }

    private var failuresInARow = 0
    private var lastProbe: Timestamp?
    /// When it was first silent although it was busy.
    private var silentSince: Timestamp?

    package init() {}

    /// Takes one more probe into account. Returns why the instance is to be ended, once it is.
    /// - Parameters:
    ///   - activity: what the gateway has seen of it by now.
    ///   - now: when the probe ended.
    package mutating func note(
        _ verdict: ProbeVerdict, activity: InstanceActivity, rules: LivenessRules, at now: Timestamp
    ) -> Death? {
        let before = lastProbe ?? now
        lastProbe = now
        switch verdict {
        case .ready:
            noteLife()
            return nil
        case .unprovable:
            return nil
        case .answered(let status, _):
            silentSince = nil
            return noteFailure("it was answered with status \(status)", isSilent: false, rules)
        case .stranger(let reason):
            return noteFailure(reason, isSilent: true, rules)
        case .failed(let reason), .unreachable(let reason):
            if activity.hasAnswered(within: now - before) {
                noteLife()
                return nil
            }
            return noteFailure(reason, isSilent: true, rules)
        case .timedOut:
            return noteSilence(activity, rules, since: before, at: now)
        }
    }

    private mutating func noteSilence(
        _ activity: InstanceActivity, _ rules: LivenessRules, since before: Timestamp, at now: Timestamp
    ) -> Death? {
        let excused = Seconds(milliseconds: rules.keepAlive.milliseconds + rules.timeout.milliseconds)
        if activity.hasAnswered(within: max(now - before, excused)) {
            noteLife()
            return nil
        }
        let since = silentSince ?? now
        silentSince = since
        if activity.inFlight > 0, now - since < rules.prediction { return nil }
        return noteFailure("it was not answered within \(rules.timeout)", isSilent: true, rules)
    }

    private mutating func noteLife() {
        failuresInARow = 0
        silentSince = nil
    }

    private mutating func noteFailure(_ what: String, isSilent: Bool, _ rules: LivenessRules) -> Death? {
        failuresInARow += 1
        guard failuresInARow >= rules.failures else { return nil }
        return Death(cause: "liveness probe fails: \(what)", isSilent: isSilent)
    }
}

extension InstanceActivity {
    /// Whether the instance has sent something of an answer within the last `span`.
    package func hasAnswered(within span: Seconds) -> Bool {
        sinceLastByte.map { $0 <= span.duration } ?? false
    }
}
