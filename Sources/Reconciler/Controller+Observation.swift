import ModelCore

extension Controller.State {
    /// What a step is decided by: what is recorded, with what only this controller knows. Everything but what a look asks
    /// for anew (``SuccessorOutlook``), which is as the last look has found it.
    /// - Parameter idleSince: since when nothing is in flight at the model's instance; the gateway knows.
    func observation(of model: ModelRecord, _ instances: [InstanceRecord], idleSince: Timestamp?) -> Observation {
        let key = model.key
        var observed = Observation(
            model: model, instances: instances, isShuttingDown: mode == .stopping, idleSince: idleSince,
            eviction: eviction(of: model, instances)?.cause)
        observed.attended = attended.intersection(instances.map(\.id))
        observed.formerSpecs = formerSpecs(of: instances)
        observed.lacksRoomBeside = lackingRoomBeside[key] == model.generation
        observed.restorable = restorable[key].flatMap { model.mayRestore($0) ? $0 : nil }
        if observed.replaced != nil { observed.outlook = outlooks[key] ?? .ready }
        return observed
    }

    /// What the model's instance is asked to leave by; `nil` where it is not, or has gone, or need not any more.
    func eviction(of model: ModelRecord, _ instances: [InstanceRecord]) -> Eviction? {
        guard let eviction = evictions[model.key], model.mayMakeRoom else { return nil }
        return instances.contains { $0.id == eviction.instance && $0.phase.isCurrent } ? eviction : nil
    }

    private func formerSpecs(of instances: [InstanceRecord]) -> [InstanceID: ModelSpec] {
        var specs: [InstanceID: ModelSpec] = [:]
        for instance in instances { specs[instance.id] = formerSpecs[instance.id] }
        return specs
    }

    /// Nothing of the instance is left to be known.
    mutating func forget(_ instance: InstanceID) {
        buried.remove(instance)
        formerSpecs[instance] = nil
        lastProbe[instance] = nil
        lastUse[instance] = nil
        unyielding[instance] = nil
    }
}
