/// A model that ends an instance of its own so that the next one takes its place.
///
/// Until that one is started the place is neither's, and others may wait for it. So it is said here when it is spoken for.
extension Observation {
    /// The instance that the decision ends for its successor; `nil` where it ends none for that.
    package func succeeded(by decision: Decision) -> InstanceRecord? {
        let id: InstanceID
        switch decision {
        case .operate(.drain(let drained), _): id = drained
        case .operate(.stop(let stopped), _): id = stopped
        default: return nil
        }
        guard let ending = instances.first(where: { $0.id == id }), awaitsSuccession(to: ending) else { return nil }
        if ending.phase.isCurrent || model.spec.effective.load == .eager { return ending }
        // Found on its way out, after a crash: whoever asked since then asked for what had been unloaded.
        guard case .loaded(let since, _) = model.demand, since < ending.phaseSince else { return nil }
        return ending
    }

    /// Whether an instance is there that is not what is wanted, and none that is.
    package var awaitsSuccession: Bool { instances.contains { awaitsSuccession(to: $0) } }

    private func awaitsSuccession(to instance: InstanceRecord) -> Bool {
        !isShuttingDown && model.isDemanded && !model.isFulfilled(by: instance)
            && fulfilling == nil
    }
}
