import Docker
import Launcher
import Logging
import ModelCore
import Ports
import Reconciler
import StateStore

extension Parts {
    /// What runs containers, put together. No engine is asked for anything before a model needs one.
    func containers() -> any ContainerRuntime {
        let time = SystemTime()
        let environment = ProcessRuntime.ownEnvironment()
        let address: EngineAddress
        do throws(EngineError) {
            address = try EngineAddress.locate(environment: environment, home: environment["HOME"])
        } catch {
            return MissingEngine(reason: "\(error)", now: { time.now() })
        }
        let engine = Engine(address: address)
        let credentials = HostCredentials(
            environment: environment, home: environment["HOME"], now: { time.now() }, logger: logger)
        let watch = EngineWatch(
            engine: engine, labels: [ContainerLabels.stateName: opened.store.uuid], logger: logger)
        return DockerRuntime(
            engine: engine, watch: watch,
            images: ImageStore(
                engine: engine, credentials: credentials, policy: rules.policy, now: { time.now() }),
            runDirectory: opened.directory.run, ports: PortAllocator(range: portRange),
            stateUUID: opened.store.uuid, environment: environment, policy: rules.policy,
            volumes: { key async throws(LoadFailure) in try await self.volumeCheck(of: key) },
            now: { time.now() })
    }

    /// What the containers of a model may mount depends on the directory of manifests that it is from.
    private func volumeCheck(of key: ModelKey) async throws(LoadFailure) -> VolumeCheck {
        let found: ModelRecord?
        do throws(StoreError) {
            found = try await opened.store.model(key)?.model
        } catch {
            throw LoadFailure(
                .retryable, "volumes: the state cannot be read to see which may be mounted", at: SystemTime().now())
        }
        guard let found else { throw LoadFailure(.retryable, "the model was removed", at: SystemTime().now()) }
        return rules.volumeCheck(root: found.root)
    }
}
