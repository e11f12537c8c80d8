import Logging
import ModelCore
import Synchronization

/// Images whose name has come to stand for another one than runs.
///
/// The tasks here only ask; what they find is a sighting, which the worker of the key records. With `pull: always` the new
/// image is got while the old one serves, and only then does a new generation begin.
extension Controller {
    /// How often it is asked what the images of running containers are called now: a registry is asked each time.
    static let driftInterval: Seconds = 300
    /// How many images are asked about at once.
    private static let driftQuestions = 4

    /// Looks every ``driftInterval``, until cancelled.
    func watchImages() async {
        guard !parts.runtimes.isEmpty else { return await untilCancelled() }
        while (try? await parts.time.sleep(for: Self.driftInterval)) != nil { await lookAtImages() }
    }

    /// Asks about every container that runs, once; who asks for it meanwhile has it done once more.
    func lookAtImages() async {
        guard state.withLock({ $0.imageLook.begin() }) else { return }
        repeat {
            await askAboutImages()
        } while state.withLock({ $0.imageLook.finish() }) && !Task.isCancelled
    }

    private func askAboutImages() async {
        guard state.withLock({ $0.mode == .running }), let live = try? await parts.store.liveInstances() else { return }
        let candidates = live.filter { $0.image != nil && $0.phase.isCurrent && $0.unknownReason == nil }
        await withDiscardingTaskGroup { group in
            for first in 0..<min(Self.driftQuestions, candidates.count) {
                group.addTask {
                    for index in stride(from: first, to: candidates.count, by: Self.driftQuestions)
                    where !Task.isCancelled {
                        await self.askAboutImage(of: candidates[index])
                    }
                }
            }
        }
    }

    private func askAboutImage(of instance: InstanceRecord) async {
        // One that is to be replaced says nothing of what its model's image is.
        guard let model = state.withLock({ $0.models[instance.key] }), model.isFulfilled(by: instance),
            let source = model.spec.source, let runtime = parts.runtime(source),
            let current = await runtime.currentImage(of: source)
        else { return }
        let drift = current == instance.image ? nil : current
        // Where the new image is to be got, that is tried again with each look.
        guard drift != model.drift || (drift != nil && source.followsItsImage) else { return }
        report(.drifted(instance, to: drift), of: instance.key)
    }

    /// Called by the worker of the key.
    func recordDrift(of instance: InstanceRecord, to image: String?) async throws(StoreError) {
        guard let (model, instance) = try await current(instance, in: [.starting, .ready, .unready]),
            model.isFulfilled(by: instance)
        else { return }
        if model.drift != image {
            try await commit(.drifted(model.key, to: image))
            parts.logger.notice(
                "image has moved",
                metadata: [
                    "model.key": "\(model.key)", "image": "\(instance.image ?? "")", "image.current": "\(image ?? "")",
                ])
        }
        let follows = image != nil && model.spec.source?.followsItsImage == true
        state.withLock { state in
            if follows { state.following.insert(model.key) } else { state.following.remove(model.key) }
        }
    }

    /// Whether the new image of a model is being got while the old one runs.
    func isFollowing(_ observed: Observation) -> Bool {
        let model = observed.model
        guard state.withLock({ $0.following.contains(model.key) }) else { return false }
        let mayGoOn =
            !observed.isShuttingDown && model.isDemanded && model.drift != nil
            && model.spec.source?.followsItsImage == true
            && observed.fulfilling != nil
        if !mayGoOn { _ = state.withLock { $0.following.remove(model.key) } }
        return mayGoOn
    }

    /// Gets the image that a model has drifted to, where its manifest says so, and begins a new generation with it.
    /// Returns whether to look again at once.
    func follow(_ observed: Observation) async throws(StoreError) -> Bool {
        let model = observed.model
        guard isFollowing(observed), let source = model.spec.source, let runtime = parts.runtime(source),
            let instance = observed.fulfilling
        else { return false }
        if let obstacle = parts.obstacle(source, model.root) {
            try await giveUpFollowing(model, LoadFailure(.terminal, obstacle, at: parts.time.now()))
            return false
        }
        let cause = Drift(of: model, instances: observed.instances)?.description ?? ""
        switch try await supply(source, of: model, with: runtime, cause: cause) {
        case .underway:
            return false
        case .ready(let image):
            let isNew = image != nil && image != instance.image
            try await commit(isNew ? .newImage(model.key, image ?? "") : .drifted(model.key, to: nil))
            state.withLock { state in
                state.following.remove(model.key)
                if !isNew { state.supplies[model.key] = nil }
            }
            return isNew
        case .failed(let failure):
            // What runs goes on; it is tried again with the next look at images.
            if !Task.isCancelled { try await giveUpFollowing(model, failure) }
            return false
        }
    }

    private func giveUpFollowing(_ model: ModelRecord, _ failure: LoadFailure) async throws(StoreError) {
        if model.pull != nil { try await commit(.pulled(model.key, .failed(failure.message))) }
        state.withLock { state in
            state.following.remove(model.key)
            state.pulls[model.key] = nil
        }
        parts.logger.warning(
            "new image cannot be pulled",
            metadata: ["model.key": "\(model.key)", "reason": "\(failure.message)"])
    }
}

extension SourceSpec {
    /// Whether a new image under its image's name is run without being asked for.
    fileprivate var followsItsImage: Bool { container?.pull == .always }
}
