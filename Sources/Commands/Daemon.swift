import ControlPlane
import Docker
import Gateway
import Glibc
import Logging
import ModelCore
import Reconciler
import StateStore
import Synchronization
import UnixSignals

/// A running `modelet serve`: the controller, the gateway, the admin API and the signals, and the order in which they
/// begin and end.
struct Daemon {
    struct Settings {
        /// Absolute.
        var manifests: String
        /// Whether somebody has named that directory: then it is a fault if no model is in it.
        var asksForManifests: Bool
        var listen: (host: String, port: Int)
        var listener: ListenerSettings
        /// What SIGTERM and SIGINT do.
        var keepsInstances: Bool
        var limits: HostLimits
        var portRange: ClosedRange<Int>
        var rules: LaunchRules
    }

    let settings: Settings
    let opened: OpenedState
    let logger: Logger

    /// Runs until told to end. Everything that an earlier run left is adopted, and served, before a manifest is read.
    func run() async throws {
        // Trapped before anything is adopted: a signal that comes early is carried out later, and not by the kernel.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        let demand = DemandRelay()
        let gateway = Gateway(demand: demand, log: logger)
        let budget = DescriptorBudget(clients: settings.listener.maxConnections, logger)
        let parts = Parts(
            opened: opened, portRange: settings.portRange, rules: settings.rules, logger: logger,
            descriptorLimit: budget.original)
        let containers = parts.containers()
        let controller = try parts.controller(routes: gateway, limits: settings.limits, containers: containers)
        demand.connect(to: controller)
        do {
            // Before a model is touched: a file that is missing ends this at once.
            try await settings.listener.apply(to: gateway, logger)
            settings.listener.warn(logger)
            try await serve(controller, containers, gateway, signals, maxConnections: budget.clients)
        } catch {
            await gateway.close()
            throw error
        }
        await gateway.close()
    }

    private func serve(
        _ controller: Controller, _ containers: any ContainerRuntime, _ gateway: Gateway,
        _ signals: UnixSignalsSequence, maxConnections: Int
    ) async throws {
        do {
            try await controller.adoptInstances()
            let address = try await gateway.listen(
                host: settings.listen.host, port: settings.listen.port, maxConnections: maxConnections)
            let surface = surface(controller, gateway, address: "\(address)")
            try await run(controller, containers, gateway, surface, signals)
            let left = try await controller.leftovers()
            guard left.isEmpty else { throw CommandFailure(leftovers: left) }
        } catch let error as StoreError {
            throw CommandFailure(error)
        } catch let error as GatewayError {
            throw CommandFailure(error.description)
        }
    }

    /// Makes the manifests directory a root, so that it is followed, and accepts what is good in it.
    private func register(with controller: Controller, _ gateway: Gateway) async throws {
        let report: ApplyReport
        do throws(ControlError) {
            report = try await controller.serve(settings.manifests)
        } catch {
            throw CommandFailure(error)
        }
        if report.plan.root != settings.manifests {
            Console.printError(
                "\(settings.manifests) is part of \(report.plan.root), which was applied: all of that is served")
        }
        await gateway.completeRoutes()
        try await controller.enqueueAll()
        printDiagnostics(report.diagnostics)
        if let pin = report.pin { Console.printError(PinText(pin, root: report.plan.root).sentence) }
    }

    private func surface(_ controller: Controller, _ gateway: Gateway, address: String) -> DaemonSurface {
        DaemonSurface(
            controller: controller, gateway: gateway,
            controllerAbout: ControllerAbout(
                version: Version.current, pid: getpid(), stateUUID: opened.store.uuid, gateway: address,
                gatewayIsTLS: settings.listener.certificate != nil, startedAt: SystemTime().now()))
    }

    private func run(
        _ controller: Controller, _ containers: any ContainerRuntime, _ gateway: Gateway, _ surface: DaemonSurface,
        _ signals: UnixSignalsSequence
    ) async throws {
        let admin = AdminServer(socket: opened.directory.socket, surface: surface, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await controller.run() }
            group.addTask { await containers.run() }
            group.addTask { try await admin.run() }
            group.addTask {
                try await self.register(with: controller, gateway)
                let scheme = surface.controllerAbout.gatewayIsTLS ? "https" : "http"
                Console.print(
                    "modelet \(Version.current) is listening on \(scheme)://\(surface.controllerAbout.gateway)")
                await controller.rescan()
            }
            group.addTask { await self.reportReadiness(of: controller, to: gateway) }
            group.addTask {
                for await signal in signals {
                    guard signal == .sighup else {
                        await self.end(surface, by: signal)
                        continue
                    }
                    await settings.listener.applyAgain(to: gateway, logger)
                    await controller.rescanOnce()
                }
            }
            // The controller ends when it has been shut down, or when something has failed for good.
            defer { group.cancelAll() }
            try await group.next()
            await finishRequests(controller, gateway)
        }
    }

    /// Lets requests in flight finish (those to kept instances, to fallbacks and to remote models), until
    /// ``longestFinish`` has passed or a second signal has come.
    private func finishRequests(_ controller: Controller, _ gateway: Gateway) async {
        await withTaskGroup { group in
            group.addTask { _ = await gateway.finished(timeout: Self.longestFinish) }
            group.addTask { await controller.untilHurried() }
            await group.next()
            group.cancelAll()
        }
    }

    /// What `drain_timeout` is where no manifest gives one.
    private static let longestFinish: Duration = .seconds(30)

    private func end(_ surface: DaemonSurface, by signal: UnixSignal) async {
        logger.notice("ending", metadata: ["signal": "\(signal)", "keep": "\(settings.keepsInstances)"])
        await surface.shutdown(keep: settings.keepsInstances)
    }

    /// Keeps what the health endpoints say up to date, until cancelled.
    private func reportReadiness(of controller: Controller, to gateway: Gateway) async {
        for await readiness in controller.readiness() {
            // Whoever is told that all is ready is never told that something may yet come.
            if readiness.isReady { await gateway.completeRoutes() }
            gateway.setReadiness(self.readiness(readiness))
        }
    }
}

extension Daemon {
    /// That nothing is missing says little where nothing is there: whoever named a directory meant some model.
    private func readiness(_ fleet: FleetReadiness) -> Readiness {
        guard fleet.isReady else { return .notReady(reason: fleet.reason ?? "modelet is starting") }
        let isEmpty = fleet.models == 0 && settings.asksForManifests
        return isEmpty ? .notReady(reason: "no model is defined in \(settings.manifests)") : .ready
    }
}

/// What operators reach through the admin API: the controller, and the daemon around it.
struct DaemonSurface: ControlSurface {
    let controller: Controller
    let gateway: Gateway
    let controllerAbout: ControllerAbout

    func load(_ key: ModelKey, by: String) async throws(ControlError) { try await controller.load(key, by: by) }

    func unload(_ key: ModelKey, hold: Bool, by: String) async throws(ControlError) {
        try await controller.unload(key, hold: hold, by: by)
    }

    func restart(_ key: ModelKey, by: String) async throws(ControlError) {
        try await controller.restart(key, by: by)
    }

    func forget(_ instance: String, by: String) async throws(ControlError) -> ForgottenInstance {
        try await controller.forget(instance, by: by)
    }

    func wait(
        for goal: WaitGoal, of key: ModelKey, timeout: Duration
    ) async throws(ControlError) -> WaitOutcome {
        try await controller.wait(for: goal, of: key, timeout: timeout)
    }

    func view(of key: ModelKey) async throws(ControlError) -> ControllerView { try await controller.view(of: key) }

    func apply(
        root: String, removalGuard: RemovalGuard, by: String, isDryRun: Bool
    ) async throws(ControlError) -> ApplyReport {
        isDryRun
            ? try await controller.preview(root: root, removalGuard: removalGuard)
            : try await controller.apply(root: root, removalGuard: removalGuard, by: by)
    }

    func rollback(_ order: RollbackOrder) async throws(ControlError) -> ApplyReport {
        try await controller.rollback(order)
    }

    /// The health endpoints turn and new requests are refused before the first instance is drained.
    func shutdown(keep: Bool) async {
        await gateway.beginShutdown()
        await controller.shutDown(keepingInstances: keep)
    }

    func about() async -> ControllerAbout { controllerAbout }
}

/// The gateway's way to the controller, which is made after it.
private final class DemandRelay: DemandSink {
    private let sink = Mutex<(any DemandSink)?>(nil)

    func connect(to sink: any DemandSink) {
        self.sink.withLock { $0 = sink }
    }

    func demand(_ key: ModelKey) {
        sink.withLock(\.self)?.demand(key)
    }
}

extension CommandFailure {
    init(_ error: ControlError) { self.init(error.message) }
}
