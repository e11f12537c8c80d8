internal import Logging
internal import ModelCore
internal import Synchronization

/// The tokens of ECR that are in memory: one a registry, for as long as the AWS identity is the same.
///
/// From half its life on the next who asks gets another one, or, while none can be had, the one that is there until it
/// expires. However many ask at once, one program is started. A token that has expired already when it comes is handed to
/// those who waited for it, and asked for anew by the next.
final class ECRTokens: Sendable {
    private struct Entry {
        var identity: AWSIdentity
        var token: ECRToken
        /// Whether a registry has not accepted it.
        var isRefused = false
        /// After a refresh that failed: no other before this.
        var nextRefresh: Timestamp?

        func isGood(at now: Timestamp) -> Bool { !isRefused && token.isGood(at: now) }

        /// Whether it does without asking for another one.
        func serves(at now: Timestamp) -> Bool {
            guard isGood(at: now) else { return false }
            return !token.isDue(at: now) || nextRefresh.map { now < $0 } ?? false
        }
    }

    /// One call under way, and whom it is for.
    private struct Flight: Hashable {
        var target: ECRTarget
        var identity: AWSIdentity
    }

    private struct State {
        var entries: [ECRTarget: Entry] = [:]
        var flights: [Flight: Task<Result<ECRToken, CredentialError>, Never>] = [:]
    }

    private enum Way {
        case atHand(ECRToken)
        case wait(Task<Result<ECRToken, CredentialError>, Never>)
    }

    /// How long nobody tries after a refresh that has failed: what waits for a token gets the one that is there.
    static let refreshPause = Seconds(60)

    private let source: ECRTokenSource
    private let now: @Sendable () -> Timestamp
    private let identity: @Sendable () -> AWSIdentity
    private let logger: Logger
    private let state = Mutex(State())

    init(
        source: ECRTokenSource, now: @escaping @Sendable () -> Timestamp,
        identity: @escaping @Sendable () -> AWSIdentity, logger: Logger
    ) {
        self.source = source
        self.now = now
        self.identity = identity
        self.logger = logger
    }

    func token(for target: ECRTarget) async throws(CredentialError) -> ECRToken {
        let identity = identity()
        switch way(to: target, identity) {
        case .atHand(let token): return token
        case .wait(let task):
            switch await task.value {
            case .success(let token): return token
            case .failure(let error):
                guard let token = stillGood(target, identity) else { throw error }
                return token
            }
        }
    }

    /// The registry that ECR named the last time; it stays the same, however old the token is.
    func registry(for target: ECRTarget) async throws(CredentialError) -> String? {
        let identity = identity()
        let known = state.withLock { state in
            state.entries[target].flatMap { $0.identity == identity ? $0.token.registry : nil }
        }
        if let known { return known }
        return try await token(for: target).registry
    }

    /// Notes that a registry has not accepted the token whose password this is. Says nothing of any other.
    func refuse(_ password: String, for target: ECRTarget) {
        state.withLock { state in
            if state.entries[target]?.token.login.password == password { state.entries[target]?.isRefused = true }
        }
    }

    private func way(to target: ECRTarget, _ identity: AWSIdentity) -> Way {
        let now = now()
        return state.withLock { state in
            if let entry = state.entries[target], entry.identity == identity, entry.serves(at: now) {
                return .atHand(entry.token)
            }
            let flight = Flight(target: target, identity: identity)
            if let task = state.flights[flight] { return .wait(task) }
            // Awaited by everybody who asks meanwhile, and bounded by the time limits of the programs. It belongs to none
            // of them, so that one who gives up takes it from nobody.
            let task = Task { await self.fetch(flight) }
            state.flights[flight] = task
            return .wait(task)
        }
    }

    private func fetch(_ flight: Flight) async -> Result<ECRToken, CredentialError> {
        let result: Result<ECRToken, CredentialError>
        do throws(CredentialError) {
            result = .success(try await source.token(for: flight.target, at: now()))
        } catch {
            result = .failure(error)
        }
        let now = now()
        state.withLock { state in
            state.flights[flight] = nil
            switch result {
            case .success(let token):
                // Nobody asks any more for what has expired here, or would ask ECR anew.
                state.entries = state.entries.filter { $0.value.token.isGood(at: now) }
                state.entries[flight.target] = Entry(identity: flight.identity, token: token)
            case .failure:
                state.entries[flight.target]?.nextRefresh = now + Self.refreshPause
            }
        }
        if case .failure(let error) = result, stillGood(flight.target, flight.identity) != nil {
            logger.warning(
                "cannot refresh the token of an ECR registry; the one at hand is used until it expires",
                metadata: [
                    "registry": "\(flight.target.registry ?? "default")",
                    "region": "\(flight.target.region ?? "default")", "error": "\(error.message)",
                ])
        }
        return result
    }

    private func stillGood(_ target: ECRTarget, _ identity: AWSIdentity) -> ECRToken? {
        let now = now()
        return state.withLock { state in
            state.entries[target].flatMap { entry in
                entry.identity == identity && entry.isGood(at: now) ? entry.token : nil
            }
        }
    }
}
