package import ModelCore

extension EngineInfo {
    /// Which engine this is, among all that a host may have; `nil` where it does not say.
    ///
    /// Docker's own id alone does not tell: up to Docker 23 it is made of a key in `/etc/docker`, which all engines of a host
    /// share, whatever their data directories are. It outlives restarts and upgrades. Podman has none, and makes one up for
    /// each answer; where it keeps its containers is what it is. A socket says nothing of who listens at it.
    package func identity(at address: EngineAddress) -> EngineIdentity? {
        let parts = [isPodman ? "podman" : "docker", isPodman ? "" : id, rootDirectory].filter { !$0.isEmpty }
        guard parts.count > 1 else { return nil }
        return EngineIdentity(name: parts.joined(separator: " "), address: "\(address)")
    }
}

extension Engine {
    /// Which engine answers now, asked anew each time: another one may have taken its socket. Maps to `GET /info`.
    func identity() async throws(EngineError) -> EngineIdentity? {
        try await info().identity(at: address)
    }
}
