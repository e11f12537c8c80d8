import ArgumentParser
import ControlPlane
import Docker
import Logging
import ModelCore
import Reconciler
import StateStore

struct Shutdown: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "End the daemon and its models.",
        discussion: "Without a daemon it stops the models that a killed one left running.")

    @Flag(help: "Leave the models running; the next `serve` adopts them.")
    var keep = false
    @OptionGroup var state: StateOptions

    /// How often it is looked whether the daemon has ended. How long that may take is for drain_timeout and
    /// stop_timeout to say, and for whoever waits at the terminal. Looked for, since nobody is told of a lock but who
    /// takes it, and the pid may be one of another namespace, where there is no pidfd for it.
    private static let look: Duration = .milliseconds(50)

    func run() async throws {
        let pid: Int32
        do throws(ClientError) {
            pid = try await state.client.about().pid
            try await state.client.shutdown(keep: keep)
        } catch .noDaemon {
            return try await stopWhatIsLeft()
        } catch {
            throw CommandFailure(error, directory: state.directory)
        }
        // It gives the lock back when it ends, whatever else is in its way; another one may take it at once.
        let directory = StateDirectory(state.directory)
        while StateLock.holder(at: directory)?.pid == pid { try await Task.sleep(for: Self.look) }
        if keep { return Console.print("modelet has ended; its models run on") }
        // What runs below another one, which has started since, is that one's own.
        let isAlone = StateLock.holder(at: directory) == nil
        let left = isAlone ? try readState(state.directory)?.models.flatMap(\.instances) ?? [] : []
        guard left.isEmpty else { throw CommandFailure(leftovers: left) }
        Console.print("modelet has ended, and its models with it")
    }

    private func stopWhatIsLeft() async throws {
        guard try readState(state.directory) != nil else {
            throw CommandFailure(StateReader(StateDirectory(state.directory)).nothingHere)
        }
        let opened = try OpenedState(directory: state.directory)
        defer { opened.close() }
        guard !keep else { return Console.print("no modelet is running; its models run on") }
        let logger = DaemonLog.logger(level: .warning)
        let parts = Parts(opened: opened, portRange: Parts.standardPortRange, logger: logger)
        let containers = parts.containers()
        let controller = try parts.controller(routes: NoRoutes(), limits: HostLimits(), containers: containers)
        do {
            let count = try await opened.store.liveInstances().count
            try await controller.adoptInstances()
            await controller.shutDown(keepingInstances: false)
            try await finish(controller, beside: containers)
            let left = try await opened.store.liveInstances()
            guard left.isEmpty else { throw CommandFailure(leftovers: left) }
            Console.print("no modelet was running; \(count) \(count == 1 ? "instance" : "instances") stopped")
        } catch let error as StoreError {
            throw CommandFailure(error)
        }
    }
}

/// Runs a controller until it ends.
private func finish(_ controller: Controller, beside containers: any ContainerRuntime) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await controller.run() }
        group.addTask { await containers.run() }
        defer { group.cancelAll() }
        try await group.next()
    }
}

/// Without a gateway nothing is routed, and nothing is in flight.
private struct NoRoutes: RouteTable {
    func publish(_ changes: [RouteChange]) async {}
    func activity(of instances: [InstanceID]) async -> [InstanceID: InstanceActivity] { [:] }
    func drained(_ instance: InstanceID, timeout: Duration) async -> Bool { true }
}

extension CommandFailure {
    /// - Parameter instances: what runs on although it was to be stopped.
    init(leftovers instances: [InstanceRecord]) {
        let names = instances.map { instance in
            let reason = instance.whyUnknown.map { ": \($0)" } ?? ""
            return "\(instance.key) (\(instance.whereabouts)\(reason))"
        }
        self.init("not stopped: " + names.joined(separator: ", ") + "; see `modelet status`")
    }
}

extension InstanceRecord {
    /// What people look for it by.
    fileprivate var whereabouts: String {
        containerID == nil ? "pid \(server?.pid ?? shim?.pid ?? 0)" : "container modelet-\(id)"
    }
}
