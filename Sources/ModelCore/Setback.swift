/// What a failure means for its model. Pure: decided from what is recorded at one moment.
package struct Setback: Hashable, Sendable {
    package var failure: LoadFailure
    /// What is to be remembered; `nil` where it says nothing of what is to be started next.
    package var backoff: Backoff?
    /// Whether nothing serves in spite of it, nor will without being asked again.
    package var isFelt: Bool
}

/// What has failed.
package enum FailedLaunch: Hashable, Sendable {
    /// An instance: its load, or it has died since.
    case instance(InstanceRecord)
    /// A load, before there was an instance: of that generation, or of what was to stand in for one.
    case load(generation: Int, insteadOf: Int?)
}

extension ModelRecord {
    /// - Parameters:
    ///   - others: its live instances; the one that has failed may be among them.
    ///   - lastReady: the instance that was ready last.
    ///   - jitter: as for ``Backoff/after(_:previous:jitter:)``.
    package func setback(
        by failure: LoadFailure, of failed: FailedLaunch, others: [InstanceRecord], lastReady: InstanceRecord?,
        jitter: Double
    ) -> Setback {
        let hasOther = others.contains { $0.phase.isCurrent && $0.id != failed.instance?.id }
        let hasServed = failed.instance?.readyAt != nil
        var after = self
        let backoff: Backoff
        switch role(of: failed) {
        case .former:
            // What has served has an end like any other. What has not leaves its callers to the next one, which is tried
            // without regard to it.
            return Setback(failure: failure, backoff: nil, isFelt: hasServed && !hasOther)
        case .wanted:
            backoff = Backoff.after(failure, previous: self.backoff, jitter: jitter)
            after.backoff = backoff
        case .standIn:
            let previous = failed.hasLasted(until: failure.at) ? nil : restoration
            backoff = Backoff.after(failure, previous: previous, jitter: jitter)
            after.restoration = backoff
        }
        // What has not served leaves its callers to what did.
        let isRestored = !hasServed && lastReady.map(after.mayRestore) == true
        return Setback(failure: failure, backoff: backoff, isFelt: !hasOther && !isRestored)
    }

    /// Whether the failure of an instance may end the demand for its model: not that of a load which is not what is wanted
    /// any more, for then the demand is for the next one.
    package func mayBeFelt(failureOf instance: InstanceRecord) -> Bool {
        instance.readyAt != nil || role(of: .instance(instance)) != .former
    }

    private enum Role {
        case wanted
        /// It is, or was to be, there in place of what is wanted.
        case standIn
        case former
    }

    private func role(of failed: FailedLaunch) -> Role {
        switch failed {
        case .instance(let instance):
            isFulfilled(by: instance) ? .wanted : instance.standsIn(for: self) ? .standIn : .former
        case .load(let generation, nil):
            generation == self.generation ? .wanted : .former
        case .load(_, let replaced?):
            replaced == generation && backoff != nil ? .standIn : .former
        }
    }
}

extension FailedLaunch {
    fileprivate var instance: InstanceRecord? { if case .instance(let instance) = self { instance } else { nil } }

    /// Whether it was ready for so long that earlier failures say nothing of this one.
    fileprivate func hasLasted(until time: Timestamp) -> Bool {
        guard let instance, instance.phase == .ready else { return false }
        return time >= instance.phaseSince + Backoff.forgottenAfter
    }
}
