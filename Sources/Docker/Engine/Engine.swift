internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// The API of a Docker Engine, or of podman, which speaks it too.
///
/// Any number of calls may be made at once; each has a connection of its own, a limit of time (``EngineLimits``) and one
/// of size. A call whose task is cancelled hangs up and throws. The calls lie in `Endpoints`.
package final class Engine: Sendable {
    package let address: EngineAddress
    let limits: EngineLimits
    let transport: EngineTransport
    /// What is spoken with the engine that is there now; `nil` until it has been asked.
    private let agreed = Mutex<APIVersion?>(nil)

    package init(address: EngineAddress, limits: EngineLimits = EngineLimits()) {
        self.address = address
        self.limits = limits
        transport = EngineTransport(address: address, limits: limits)
    }

    /// Makes a call, in the version that is spoken with this engine, and returns its answer if its status is one of
    /// `accepting` or of the 200s.
    func exchange(_ call: EngineCall, accepting statuses: Set<Int> = []) async throws(EngineError) -> EngineReply {
        try await speaking(call) { versioned throws(EngineError) in
            let reply = try await self.transport.exchange(versioned)
            guard (200..<300).contains(reply.status) || statuses.contains(reply.status) else {
                throw EngineRefusal.error(status: reply.status, body: reply.body)
            }
            return reply
        }
    }

    /// Makes a call whose answer goes on and on. Returns with the head.
    func stream(_ call: EngineCall, _ kind: EngineTransport.StreamKind) async throws(EngineError) -> EngineBody {
        try await speaking(call) { versioned throws(EngineError) in
            try await self.transport.stream(versioned, kind)
        }
    }

    /// An engine may be replaced by an older one between two calls: it says so before it does anything, and the call is
    /// made once more in a version that it knows.
    private func speaking<Reply: Sendable>(
        _ call: EngineCall, _ perform: (EngineCall) async throws(EngineError) -> Reply
    ) async throws(EngineError) -> Reply {
        let version = try await agreedVersion(within: call.timeout)
        do {
            return try await perform(call.speaking(version))
        } catch {
            switch error {
            case .refused(status: 400, let message) where EngineRefusal.isAboutVersion(message):
                forgetVersion()
                return try await perform(call.speaking(try await agreedVersion(within: call.timeout)))
            case .unreachable:
                // Whoever answers next may be another engine.
                forgetVersion()
                throw error
            default:
                throw error
            }
        }
    }

    /// The version that is spoken with the engine, which is asked where that is not known.
    func agreedVersion(within limit: Duration) async throws(EngineError) -> APIVersion {
        if let known = agreed.withLock({ $0 }) { return known }
        let theirs = try await ping(within: min(limit, limits.ping)).apiVersion
        guard theirs >= .oldest else {
            throw .malformed(
                "the engine at \(address) is too old: it speaks version \(theirs) of Docker's API, and \(APIVersion.oldest) "
                    + "(Docker 19.03) is the oldest that will do")
        }
        let version = min(theirs, .ours)
        agreed.withLock { $0 = version }
        return version
    }

    func forgetVersion() { agreed.withLock { $0 = nil } }

    /// The version that is spoken with the engine; `nil` while that is not known.
    package var apiVersion: APIVersion? { agreed.withLock { $0 } }
}
