package import ModelCore
internal import Reconciler
internal import Synchronization

/// Ending what was left by a launch that this program's death, or the engine's, cut short; and what an operator has
/// forgotten, should its engine be heard of again: another instance may serve in its place by then.
extension DockerRuntime {
    /// How long a container without a record may run: its record may lie in a backup that is just being restored.
    static let strayGrace: Seconds = 60
    /// What a stray that runs is given between TERM and KILL.
    private static let stopGrace = Duration.seconds(10)

    package func sweep(live: @Sendable () async -> Set<InstanceID>?) async -> [String] {
        // Whoever has nothing to do with containers needs no engine.
        guard wanted.hasRung else { return [] }
        // First what exists, then what is recorded: an intent is recorded before anything of it is created.
        guard let found = try? await engine.list(labels: [ContainerLabels.stateName: stateUUID]),
            let recorded = await live()
        else { return [] }
        let strays = found.compactMap { Stray($0, state: stateUUID) }.filter { !recorded.contains($0.labels.instance) }
        let overdue = noteStrays(strays)
        var said: [String] = []
        for stray in strays where !stray.runs || overdue.contains(stray.id) {
            if let sentence = await end(stray) { said.append(sentence) }
        }
        return said
    }

    /// Remembers since when each has been seen. Returns those that run, and have been seen for longer than
    /// ``strayGrace``.
    private func noteStrays(_ strays: [Stray]) -> Set<String> {
        let now = now()
        return table.withLock { table in
            table.strays = strays.reduce(into: [:]) { $0[$1.id] = table.strays[$1.id] ?? now }
            return Set(table.strays.filter { now - $0.value >= Self.strayGrace }.keys)
        }
    }

    /// `nil`: it could not be ended, or was gone already.
    private func end(_ stray: Stray) async -> String? {
        do throws(EngineError) {
            if stray.runs { _ = try await engine.stop(stray.id, grace: Self.stopGrace) }
            try await engine.remove(stray.id, force: true)
        } catch {
            return nil
        }
        let name = "container \(stray.name) of \(stray.labels.key)"
        switch stray.state {
        case .created, .initialized: return "removed \(name), which was left by a launch that was cut short"
        case _ where stray.runs: return "stopped \(name), which ran although it belongs to no live instance"
        default: return "removed \(name), which had ended"
        }
    }
}

/// A container that bears the name of this state.
private struct Stray {
    let id: String
    let name: String
    let labels: ContainerLabels
    let state: ContainerState

    var runs: Bool { state.isRunning }

    /// `nil`: it is not ours. Labels alone do not say so: an image that somebody made of a container of ours has them, and
    /// so has whatever is run from it; but the name of an instance is given once.
    init?(_ summary: ContainerSummary, state uuid: String) {
        guard let labels = ContainerLabels(summary.labels), labels.state == uuid,
            summary.name == ContainerLabels.containerName(of: labels.instance)
        else { return nil }
        id = summary.id
        name = summary.name
        self.labels = labels
        state = summary.state
    }
}
