package import ModelCore
package import Reconciler
internal import Synchronization

/// Gets the images of containers onto this host, one pull an image however many models want it.
///
/// ``provide(_:for:)`` and ``currentImage(of:)`` may be called from anywhere, at any time. What takes long is done by
/// ``run()``, which its owner runs for as long as pulls are to go on; until then, models wait.
package final class ImageStore: Sendable {
    /// What the run loop is to do in tasks of its own.
    enum Job: Sendable {
        case locate(WantedImage, ECRSpec)
        case pull(WantedImage, ImageReference)
    }

    /// Bounded by the models that there have been in this run of the program.
    struct Desk {
        var pulls: [WantedImage: PullState] = [:]
        /// What each model wants: it asks for one image at a time.
        var wanted: [ModelKey: WantedImage] = [:]
    }

    let engine: Engine
    let credentials: any RegistryCredentials
    let policy: LaunchPolicy
    let now: @Sendable () -> Timestamp
    let registry: RegistryQuestions
    private let desk = Mutex(Desk())
    private let jobs: AsyncStream<Job>
    private let submit: AsyncStream<Job>.Continuation

    /// Models that are to ``provide(_:for:)`` again. For one listener. Not bounded by itself: each model that waits is
    /// named at most once a second, and once for each layer.
    package let wakes: AsyncStream<ModelKey>
    private let wake: AsyncStream<ModelKey>.Continuation

    /// - Parameters:
    ///   - policy: judges images whose registry is known only here; all others have been judged before.
    ///   - now: the clock that failures are dated by.
    package init(
        engine: Engine, credentials: any RegistryCredentials, policy: LaunchPolicy = LaunchPolicy(),
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.engine = engine
        self.credentials = credentials
        self.policy = policy
        self.now = now
        registry = RegistryQuestions()
        (jobs, submit) = AsyncStream.makeStream()
        (wakes, wake) = AsyncStream.makeStream()
    }

    /// Does what ``provide(_:for:)`` calls for, until it is cancelled; pulls under way are given up then. Once only.
    package func run() async {
        await withDiscardingTaskGroup { pulls in
            for await job in jobs {
                pulls.addTask {
                    switch job {
                    case .locate(let image, let spec): await self.locate(image, spec)
                    case .pull(let image, let reference): await self.pull(image, as: reference)
                    }
                }
            }
            pulls.cancelAll()
        }
    }

    /// How far the image that a model wants is; see ``Runtime/provide(_:for:)``. Waits for the engine's answer whether it
    /// has the image, and for nothing else.
    package func provide(_ request: ImageRequest, for key: ModelKey) async -> Provision {
        let image = request.image
        var action = ask(for: image, key, request.policy)
        while true {
            switch action {
            case .answer(let provision):
                return provision
            case .look(let reference, let endings):
                do throws(EngineError) {
                    if let found = try await fixed(reference) { return .ready(image: found) }
                } catch {
                    return .failed(PullFault.failureToLook(error, for: image, at: now()))
                }
                if request.policy == .never { return .failed(forbidden(image, reference)) }
                action = handle(.foundAbsent(key, endings: endings), of: image)
            case .locate, .pull:
                return .underway(PullProgress(image: image.label))
            case .nothing, .wake:
                // Nothing that a model does is answered so.
                return .underway(PullProgress(image: image.label))
            }
        }
    }

    /// The model waits for no image any more; see ``Runtime/leave(_:)``. What is known of its image is kept, for
    /// ``currentImage(of:)``.
    package func leave(_ key: ModelKey) {
        desk.withLock { desk in
            guard let image = desk.wanted[key] else { return }
            _ = desk.pulls[image]?.handle(.left(key), at: .now)
        }
    }

    private func forbidden(_ image: WantedImage, _ reference: ImageReference) -> LoadFailure {
        LoadFailure(
            .terminal,
            "image \(image.label) is not on this host, and `pull: false` forbids to pull it: "
                + "`docker pull \(reference)`, or write `pull: true`", at: now())
    }

    /// What the engine has under a name, fixed; `nil` where it has nothing.
    func fixed(_ reference: ImageReference, pulled: String? = nil) async throws(EngineError) -> String? {
        do throws(EngineError) {
            let details = try await engine.inspectImage(reference.description)
            return FixedReference.of(details, as: reference, pulled: pulled)
        } catch {
            if case .refused(status: 404, _) = error { return nil }
            throw error
        }
    }

    // MARK: - What is going on

    private func ask(for image: WantedImage, _ key: ModelKey, _ policy: PullPolicy) -> PullState.Action {
        desk.withLock { desk in
            if let before = desk.wanted.updateValue(image, forKey: key), before != image {
                _ = desk.pulls[before]?.handle(.left(key), at: .now)
                desk.forget(before)
            }
            return handle(.asked(key, policy), of: image, at: &desk)
        }
    }

    @discardableResult
    func handle(_ event: PullState.Event, of image: WantedImage) -> PullState.Action {
        desk.withLock { handle(event, of: image, at: &$0) }
    }

    /// Lets the state of an image answer to an event, and sees to what others have to do then.
    private func handle(_ event: PullState.Event, of image: WantedImage, at desk: inout Desk) -> PullState.Action {
        var pull = desk.pulls[image] ?? PullState(image)
        let action = pull.handle(event, at: .now)
        desk.pulls[image] = pull
        switch action {
        case .locate:
            if case .inECR(let spec) = image.place { submit.yield(.locate(image, spec)) }
        case .pull(let reference):
            submit.yield(.pull(image, reference))
        case .wake(let keys):
            keys.forEach { wake.yield($0) }
        case .nothing, .answer, .look:
            break
        }
        return action
    }

    /// The whole name of an image, as far as it is known.
    func reference(of image: WantedImage) -> ImageReference? {
        image.reference ?? desk.withLock { $0.pulls[image]?.reference }
    }
}

extension ImageStore.Desk {
    /// Drops what is known of an image that nobody wants any more.
    fileprivate mutating func forget(_ image: WantedImage) {
        guard let pull = pulls[image], pull.isSpent, !wanted.values.contains(image) else { return }
        pulls[image] = nil
    }
}
