internal import ModelCore
internal import Ports
internal import Reconciler

/// Containers that were made by another engine than the one which is asked: modelet was started with another
/// `DOCKER_HOST` or context, or the engine with another data directory. They may well run on there.
extension DockerRuntime {
    /// What follows from the engine's having no container of this id. Where it is not known to be the one which had it,
    /// nothing does.
    ///
    /// The engine may be exchanged at any moment; so it is asked for the container once more, between two answers of one
    /// engine on who it is.
    func absence(of instance: InstanceRecord, within limit: Duration?) async throws(EngineError) -> Finding {
        // Not created yet, or by an earlier version, which trusted whichever engine answered.
        guard let home = instance.engine, let id = instance.containerID else { return .absent }
        // Its end was seen, and written down before it was removed.
        let files = files(of: instance.id)
        if await blocking({ files.end() }) != nil { return .absent }
        let before = try await identity(within: limit)
        guard before?.isSame(as: home) == true else { return elsewhere(instance, home, before) }
        if let details = try await inspect(id, within: limit) { return finding(details, of: instance.id) }
        let after = try await identity(within: limit)
        return after?.isSame(as: home) == true ? .absent : elsewhere(instance, home, after)
    }

    /// The engine that has a container which was found there, to be recorded where that has not been done. `nil`: it has,
    /// or it cannot be told now.
    func unrecordedEngine(of instance: InstanceRecord) async -> EngineIdentity? {
        guard instance.engine == nil, instance.containerID != nil else { return nil }
        return (try? await identity(within: Self.adoptionPatience)) ?? nil
    }

    private func identity(within limit: Duration?) async throws(EngineError) -> EngineIdentity? {
        guard let limit else { return try await engine.identity() }
        return try await Docker.within(limit, "GET /info") { () async throws(EngineError) in
            try await self.engine.identity()
        }
    }

    private func elsewhere(_ instance: InstanceRecord, _ home: EngineIdentity, _ here: EngineIdentity?) -> Finding {
        noteUnsettled(instance)
        let answering = here.map { "\($0.name), which answers at \($0.address)" } ?? "the one at \(engine.address)"
        let advice =
            home.address == "\(engine.address)"
            ? "let that engine listen there again" : "start modelet with DOCKER_HOST=\(home.address)"
        return .unknown(
            reason: "its container is on another engine (\(home.name), then at \(home.address)) than \(answering): "
                + advice)
    }
}
