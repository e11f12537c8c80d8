package import ModelCore
package import Reconciler
import Synchronization

/// The images of an in-memory host and of its registry: there at once, unless a test says otherwise.
package final class InMemoryImages: Sendable {
    fileprivate struct State {
        var scripts: [ModelKey: [Provision]] = [:]
        var digests: [String: String] = [:]
        var isUnreachable = false
        var questions: [ModelKey: Int] = [:]
        var asking: Set<ModelKey> = []
        var asked: [ModelKey: SourceSpec] = [:]
        var looks = 0
        var wakes: AsyncStream<ModelKey>.Continuation?
        /// What was told before anybody listened.
        var untold: [ModelKey] = []
        var betweenListingAndLive: (@Sendable () async -> Void)?
    }

    private let state = Mutex(State())

    /// What the model is told from now on, one after the other; the last for ever. Nobody is woken.
    package func script(_ provisions: Provision..., for key: ModelKey) {
        state.withLock { $0.scripts[key] = provisions }
    }

    /// As ``script(_:for:)``, and whoever waits is woken.
    package func tell(_ provision: Provision, to key: ModelKey) {
        state.withLock { $0.scripts[key] = [provision] }
        wake(key)
    }

    package func wake(_ key: ModelKey) {
        state.withLock { state in
            if let wakes = state.wakes { wakes.yield(key) } else { state.untold.append(key) }
        }
    }

    /// What an image's name stands for from now on.
    package func move(_ name: String, to digest: String) {
        state.withLock { $0.digests[name] = digest }
    }

    /// Whether nobody can tell what a name stands for.
    package func setUnreachable(_ isUnreachable: Bool) {
        state.withLock { $0.isUnreachable = isUnreachable }
    }

    /// How often the model has asked for its image.
    package func questions(of key: ModelKey) -> Int { state.withLock { $0.questions[key] ?? 0 } }

    /// What the model has asked for last.
    package func source(askedFor key: ModelKey) -> SourceSpec? { state.withLock { $0.asked[key] } }

    /// Whether the model has asked for its image, and has not left since.
    package func isAsking(_ key: ModelKey) -> Bool { state.withLock { $0.asking.contains(key) } }

    /// How often it was asked what a name stands for.
    package var looks: Int { state.withLock(\.looks) }

    /// Runs in each sweep, after what exists has been looked at.
    package func setBetweenListingAndLive(_ body: @escaping @Sendable () async -> Void) {
        state.withLock { $0.betweenListingAndLive = body }
    }

    // MARK: - What the runtime asks

    func runBetweenListingAndLive() async { await state.withLock(\.betweenListingAndLive)?() }

    func provide(_ source: SourceSpec, for key: ModelKey) -> Provision {
        state.withLock { state in
            state.questions[key, default: 0] += 1
            state.asking.insert(key)
            state.asked[key] = source
            guard let script = state.scripts[key], let first = script.first else {
                return .ready(image: state.fixed(source))
            }
            if script.count > 1 { state.scripts[key]?.removeFirst() }
            return first
        }
    }

    func leave(_ key: ModelKey) {
        state.withLock { _ = $0.asking.remove(key) }
    }

    func current(of source: SourceSpec) -> String? {
        state.withLock { state in
            state.looks += 1
            return state.isUnreachable ? nil : state.fixed(source)
        }
    }

    /// A new stream for each controller; what was told before goes to the first.
    var wakes: AsyncStream<ModelKey> {
        let (stream, continuation) = AsyncStream<ModelKey>.makeStream()
        state.withLock { state in
            state.untold.forEach { continuation.yield($0) }
            state.untold = []
            state.wakes = continuation
        }
        return stream
    }
}

extension InMemoryImages.State {
    /// As an image of a registry is fixed.
    fileprivate func fixed(_ source: SourceSpec) -> String? {
        switch source {
        case .localArtifact: nil
        case .docker(let spec): "registry/\(spec.image)@\(digests[spec.image] ?? "sha256:1")"
        case .ecr(let spec): "registry/\(spec.repository)@\(digests[spec.repository] ?? "sha256:1")"
        }
    }
}
