import Docker
import ModelCore
import Synchronization
import TestSupport

/// Credentials that a test hands out, and counts the handing out of.
final class TestCredentials: RegistryCredentials {
    private struct State {
        var current: RegistryAuth?
        var fresh: RegistryAuth?
        var error: CredentialError?
        var host: String?
        var asked = 0
        var renewed = 0
        var located = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isHeld = false
    }

    private let state = Mutex(State())

    /// - Parameters:
    ///   - account: whom to introduce oneself as.
    ///   - fresh: and when that is refused.
    init(_ account: PrivateRegistry.Account? = nil, fresh: PrivateRegistry.Account? = nil) {
        state.withLock { state in
            state.current = account.map(Self.auth)
            state.fresh = fresh.map(Self.auth)
        }
    }

    private static func auth(_ account: PrivateRegistry.Account) -> RegistryAuth {
        RegistryAuth(username: account.name, password: account.password)
    }

    var timesAsked: Int { state.withLock(\.asked) }
    var timesRenewed: Int { state.withLock(\.renewed) }
    var timesLocated: Int { state.withLock(\.located) }

    func fail(with error: CredentialError?) { state.withLock { $0.error = error } }

    /// What ECR says its registry is. Until ``letGo()``, it takes its time if `isHeld`.
    func setHost(_ host: String?, isHeld: Bool = false) {
        state.withLock { state in
            state.host = host
            state.isHeld = isHeld
        }
    }

    func letGo() {
        let waiting = state.withLock { state in
            state.isHeld = false
            defer { state.waiting = [] }
            return state.waiting
        }
        waiting.forEach { $0.resume() }
    }

    // MARK: - RegistryCredentials

    func auth(for login: RegistryLogin) async throws(CredentialError) -> RegistryAuth? {
        try state.withLock { state throws(CredentialError) in
            state.asked += 1
            if let error = state.error { throw error }
            return state.current
        }
    }

    func renewed(
        _ refused: RegistryAuth, for login: RegistryLogin
    ) async throws(CredentialError) -> RegistryAuth? {
        state.withLock { state in
            state.renewed += 1
            guard let fresh = state.fresh, fresh != refused else { return nil }
            state.current = fresh
            return fresh
        }
    }

    func registry(for spec: ECRSpec) async throws(CredentialError) -> String {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                state.located += 1
                if state.isHeld { state.waiting.append(continuation) }
                return !state.isHeld
            }
            if isFree { continuation.resume() }
        }
        return try state.withLock { state throws(CredentialError) in
            if let error = state.error { throw error }
            guard let host = state.host else { throw .terminal("no identity: run `aws configure`") }
            return host
        }
    }
}
