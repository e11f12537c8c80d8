package import ModelCore
package import Reconciler
internal import Synchronization

/// Whether a container answers.
extension DockerRuntime {
    package func probe(
        _ instance: InstanceRecord, _ readiness: ReadinessSpec, with prober: any Prober
    ) async -> ProbeVerdict {
        let container: LaunchedContainer
        switch await launched(instance, readiness) {
        case .container(let found): container = found
        case .verdict(let verdict): return verdict
        }
        guard let port = instance.source.container?.containerPort, let process = container.server?.pid else {
            return .unprovable(reason: "the first process of its container is not shown to modelet")
        }
        // What the manifest says was asked for; what the engine says is so.
        guard container.publishes(port, at: instance.port) else {
            return .failed(
                reason: "the engine does not publish port \(port) of its container on \(Self.host):\(instance.port)")
        }
        return await prober.probe(
            ProbeTarget(
                host: Self.host, port: instance.port, readiness: readiness,
                owner: .container(process: process, port: port)))
    }

    private enum Look {
        case container(LaunchedContainer)
        case verdict(ProbeVerdict)
    }

    /// What is known of the container, asked anew where the verdict is its own health check's.
    private func launched(_ instance: InstanceRecord, _ readiness: ReadinessSpec) async -> Look {
        if case .running(let container) = held(instance.id), container.server != nil,
            !(container.hasHealthcheck && readiness.isStandard)
        {
            return .container(container)
        }
        switch await find(instance) {
        case .running(let details):
            let container = keep(details, of: instance)
            guard readiness.isStandard, let health = details.health else { return .container(container) }
            return .verdict(ProbeVerdict(health))
        case .unknown(let reason): return .verdict(.failed(reason: reason))
        case .foreign(let sentence): return .verdict(.failed(reason: sentence))
        case .created, .ended, .absent: return .verdict(.failed(reason: "its container does not run"))
        }
    }

    package func checksItself(_ instance: InstanceRecord) async -> Bool {
        if case .running(let container) = held(instance.id), container.server != nil { return container.hasHealthcheck }
        guard case .running(let details) = await find(instance) else { return false }
        return keep(details, of: instance).hasHealthcheck
    }
}

extension LaunchedContainer {
    /// Whether connections to `port` on this host's loopback reach `containerPort` in it.
    fileprivate func publishes(_ containerPort: Int, at port: Int) -> Bool {
        publishedPorts.contains {
            $0.containerPort == containerPort && $0.hostPort == port && $0.transport == "tcp"
                && [DockerRuntime.host, "0.0.0.0", ""].contains($0.hostAddress)
        }
    }
}

extension ReadinessSpec {
    /// Whether it is what holds where a manifest gives none.
    fileprivate var isStandard: Bool { probe?.isStandard == true }
}

extension ProbeVerdict {
    fileprivate init(_ health: ContainerHealth) {
        switch health.status {
        case .healthy: self = .ready(address: DockerRuntime.host)
        case .starting: self = .failed(reason: "health check: starting\(health.lastWords)")
        case .unhealthy: self = .failed(reason: "health check: unhealthy\(health.lastWords)")
        }
    }
}

extension ContainerHealth {
    /// The last line that the last check printed, or else its exit code.
    fileprivate var lastWords: String {
        guard let code = lastExitCode, code != 0 else { return "" }
        let line = lastOutput.split(whereSeparator: \.isNewline).last.map { LogLines.printable(String($0)) } ?? ""
        return line.isEmpty ? " (exited with code \(code))" : " (\(line))"
    }
}
