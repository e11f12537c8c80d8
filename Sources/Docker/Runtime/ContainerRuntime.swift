package import ModelCore
package import Reconciler

/// A runtime that has something to do by itself beside the controller.
package protocol ContainerRuntime: Runtime {
    /// Runs until cancelled.
    func run() async
}

/// Stands in where there can be no engine: what names it, such as `DOCKER_HOST`, leads nowhere. Says so to whoever needs
/// one, and to nobody else.
package struct MissingEngine: ContainerRuntime {
    let reason: String
    let now: @Sendable () -> Timestamp

    /// - Parameter reason: a sentence that says what to do.
    package init(reason: String, now: @escaping @Sendable () -> Timestamp) {
        self.reason = reason
        self.now = now
    }

    private var failure: LoadFailure { LoadFailure(.terminal, reason, at: now()) }

    package func run() async { await Bell().wait() }
    package func provide(_ source: SourceSpec, for key: ModelKey) async -> Provision { .failed(failure) }
    package func reservePort(
        for id: InstanceID, source: SourceSpec, leased: Set<Int>
    ) async throws(LoadFailure) -> Int { throw failure }
    package func prepare(_ instance: InstanceRecord) async throws(LoadFailure) -> PreparedInstance { throw failure }
    package func release(_ id: InstanceID) async throws(LoadFailure) { throw failure }
    package func abandon(_ id: InstanceID) async {}
    package func adopt(_ instance: InstanceRecord) async -> AdoptionVerdict { .unknown(reason: reason) }
    package func exit(of instance: InstanceRecord) async -> ExitVerdict { .unknown(reason: reason) }
    package func stop(_ instance: InstanceRecord, grace: Duration) async -> ExitVerdict { .unknown(reason: reason) }
    package func server(of instance: InstanceRecord) async -> ServerProcess? { nil }
    package func probe(
        _ instance: InstanceRecord, _ readiness: ReadinessSpec, with prober: any Prober
    ) async -> ProbeVerdict { .failed(reason: reason) }
    package func residentMemory(of instances: [InstanceRecord]) async -> [InstanceID: Int64] { [:] }
    package func logTail(of instance: InstanceRecord) async -> [String] { [] }
    package func prune(keeping kept: Set<InstanceID>) async {}
}
