import ControlPlane
import Docker
import Glibc
import ModelCore
import Probes
import Reconciler
import StateStore

/// What is asked of others: the daemon, the engine, the AWS CLI.
extension DoctorExamination {
    // MARK: - The daemon

    func daemon() async -> DoctorSnapshot.State.Daemon {
        let state = StateDirectory(directory)
        guard let holder = StateLock.holder(at: state) else { return .notRunning }
        let about: ControllerAbout
        do throws(ClientError) {
            about = try await AdminClient(socket: state.socket).about()
        } catch {
            return .silent(pid: holder.pid, reason: CommandFailure(error, directory: directory).message)
        }
        return .running(
            pid: about.pid, version: about.version, gateway: about.gateway, gatewayFault: await fault(of: about))
    }

    /// Why the gateway does not answer; `nil`: it does.
    private func fault(of about: ControllerAbout) async -> String? {
        guard let (host, port) = try? parseListenAddress(about.gateway) else { return "its address is not understood" }
        var probe = ProbeSpec()
        probe.path = "/v2/health/live"
        probe.owner = .any
        // The probe speaks no TLS.
        let readiness: ReadinessSpec = about.gatewayIsTLS ? .tcp(probe) : .http(probe)
        let target = ProbeTarget(host: host, port: port, readiness: readiness, owner: .tree(root: nil))
        switch await ReadinessProber().probe(target) {
        case .ready: return nil
        case .answered(let status, _): return "it answers with status \(status)"
        case .timedOut: return "it accepts connections, but does not answer"
        case .failed(let reason), .unreachable(let reason), .stranger(let reason), .unprovable(let reason):
            return reason
        }
    }

    // MARK: - The engine

    func engine(of stored: StateSnapshot?) async -> DoctorSnapshot.EnginePresence {
        do throws(EngineError) {
            let address = try EngineAddress.locate(environment: environment, home: home)
            return .present(try await facts(of: Engine(address: address), stored))
        } catch {
            return .absent("\(error)")
        }
    }

    private func facts(
        of engine: Engine, _ stored: StateSnapshot?
    ) async throws(EngineError) -> DoctorSnapshot.Engine {
        let ping = try await engine.ping()
        var facts = DoctorSnapshot.Engine(name: ping.isPodman ? "podman" : "Docker", api: ping.apiVersion)
        facts.address = "\(engine.address)"
        // An older one is not asked for more: it may not know how to say it.
        guard ping.apiVersion >= .oldest else { return facts }
        facts.name += " \(try await engine.version().version)"
        let info = try await engine.info()
        facts.storageDriver = info.storageDriver
        facts.hasLiveRestore = info.hasLiveRestore
        facts.isPodman = ping.isPodman
        facts.kernel = info.kernel
        facts.hasGPURuntime = info.runtimes.contains("nvidia") || survey.isInstalled("nvidia-container-runtime-hook")
        guard let stored else { return facts }
        if let identity = info.identity(at: engine.address) {
            facts.elsewhere = stored.models.flatMap(\.instances).compactMap { instance in
                guard let home = instance.engine, !home.isSame(as: identity) else { return nil }
                return DoctorSnapshot.Elsewhere(key: instance.key, address: home.address)
            }
        }
        facts.namespaces = try await namespaces(engine, stateUUID: stored.uuid)
        return facts
    }

    /// Proved at a container of this state that runs; `nil` where none does.
    private func namespaces(_ engine: Engine, stateUUID: String) async throws(EngineError) -> NamespaceVerdict? {
        let ours = try await engine.list(labels: ["modelet.state": stateUUID])
        guard let running = ours.first(where: { $0.state == .running }),
            let container = try await engine.inspect(running.id)
        else { return nil }
        return try await engine.sharesNamespaces(with: container)
    }

    // MARK: - Registries

    func logins(_ needs: DoctorSnapshot.Needs) -> DoctorSnapshot.Logins {
        var helpers: [String: CredentialSurvey.Helper] = [:]
        for registry in needs.registries.keys {
            guard let command = survey.helper(for: registry) else { continue }
            helpers[registry] = CredentialSurvey.Helper(command: command, isInstalled: survey.isInstalled(command))
        }
        return DoctorSnapshot.Logins(configuration: survey.configuration(), helpers: helpers)
    }

    func aws(_ needs: DoctorSnapshot.Needs) async -> DoctorSnapshot.AWS? {
        guard asksAWS || !needs.ecr.isEmpty else { return nil }
        var aws = DoctorSnapshot.AWS(hasHelper: survey.isInstalled(CredentialSurvey.ecrHelper))
        guard survey.isInstalled("aws") else { return aws }
        let region = needs.ecr.lazy.compactMap(\.region).first
        async let version = survey.awsVersion()
        async let identity = survey.identity(region: region)
        async let defaultRegion = survey.defaultRegion()
        aws.cli = await version
        aws.identity = await identity
        aws.region = await defaultRegion
        return aws
    }
}
