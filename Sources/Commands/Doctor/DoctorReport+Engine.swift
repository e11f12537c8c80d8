import Docker
import ModelCore

extension DoctorReport {
    private var needs: DoctorSnapshot.Needs { snapshot.needs }
    private var needsEngine: Bool { !needs.containers.isEmpty }

    /// Without a model that needs it, an engine is a thing to mention.
    var docker: [Finding] {
        switch snapshot.engine {
        case .absent(let reason):
            needsEngine
                ? [.fail("docker", "\(reason) (needed by \(Self.list(needs.containers)))")]
                : [.ok("docker", "no accepted model needs it; \(reason)")]
        case .present(let engine):
            [version(of: engine), place(of: engine), storage(of: engine)]
                + elsewhere(engine) + liveRestore(of: engine) + gpus(of: engine)
        }
    }

    private func version(of engine: DoctorSnapshot.Engine) -> Finding {
        let detail = "\(engine.name), API \(engine.api), at \(engine.address)"
        guard engine.api < .oldest else { return .ok("docker", detail) }
        let advice = "modelet needs API \(APIVersion.oldest) (Docker 19.03) or later"
        return needsEngine ? .fail("docker", detail, advice) : .warn("docker", detail, advice)
    }

    /// Proved at a container; else by the kernel: a virtual machine's is nearly always another one than its host's.
    private func place(of engine: DoctorSnapshot.Engine) -> Finding {
        switch engine.namespaces {
        case .shared: return .ok("docker host", "its containers run on this host")
        case .foreign(let reason): return needsEngine ? .fail("docker host", reason) : .warn("docker host", reason)
        case .unprovable(let reason): return .warn("docker host", reason)
        case nil: break
        }
        if engine.kernel.isEmpty || engine.kernel == snapshot.host.kernel {
            return .ok("docker host", "runs on this kernel; proved at the first container")
        }
        let reason = "the engine runs on another kernel (\(engine.kernel)) than this host: in a virtual machine?"
        let advice = "modelet needs an engine of its own host, whose processes and ports it can see"
        return needsEngine ? .fail("docker host", reason, advice) : .warn("docker host", reason, advice)
    }

    private func storage(of engine: DoctorSnapshot.Engine) -> Finding {
        guard engine.storageDriver == "vfs" else { return .ok("docker storage", engine.storageDriver) }
        return .warn(
            "docker storage", "vfs copies an image's files for every container", "let the engine use overlay2")
    }

    /// They may run on there; here they are unknown, and their models are not started.
    private func elsewhere(_ engine: DoctorSnapshot.Engine) -> [Finding] {
        guard !engine.elsewhere.isEmpty else { return [] }
        let keys = Array(Set(engine.elsewhere.map(\.key))).sorted()
        let addresses = Array(Set(engine.elsewhere.map(\.address))).sorted().joined(separator: ", ")
        return [
            .warn(
                "docker engines", "\(Self.list(keys)): their containers are on another engine (\(addresses))",
                "start modelet with that DOCKER_HOST, or give them up with `modelet forget`")
        ]
    }

    private func liveRestore(of engine: DoctorSnapshot.Engine) -> [Finding] {
        guard needsEngine else { return [] }
        if engine.isPodman { return [.ok("live restore", "containers outlive podman's service")] }
        if engine.hasLiveRestore { return [.ok("live restore", "containers outlive the engine")] }
        return [
            .warn(
                "live restore", "off: an upgrade or a stop of the engine stops every container",
                "set \"live-restore\": true in /etc/docker/daemon.json, then `systemctl reload docker`")
        ]
    }

    private func gpus(of engine: DoctorSnapshot.Engine) -> [Finding] {
        guard !needs.gpus.isEmpty else { return [] }
        if engine.hasGPURuntime { return [.ok("gpus", "the NVIDIA container runtime is installed")] }
        return [
            .fail(
                "gpus", "the engine cannot give GPUs to containers (wanted by \(Self.list(needs.gpus)))",
                "install nvidia-container-toolkit, run `nvidia-ctk runtime configure`, and restart the engine")
        ]
    }

    /// How many models are named.
    private static let mostNamed = 3

    static func list(_ keys: [ModelKey]) -> String {
        let named = keys.prefix(mostNamed).map(\.description).joined(separator: ", ")
        return keys.count > mostNamed ? "\(named) and \(keys.count - mostNamed) more" : named
    }
}
