import Logging
import ModelCore
import Synchronization

/// Getting what has to be on this host before a model can be started: the image of a container.
///
/// The runtime fetches; here is only who waits for it, and what is recorded of it. A model that waits for its image holds
/// no port and no slot, and stands in nobody's way.
extension Controller {
    /// How far the things are that a start needs.
    enum Supplied {
        case ready(image: String?)
        /// Recorded; a wake tells of more.
        case underway
        case failed(LoadFailure)
    }

    /// The shortest time between two records of one pull: what people watch moves, and the disk is left in peace.
    static let pullRecordPause: Seconds = 1
    /// … and between two events that tell of it.
    static let pullEventPause: Seconds = 5
    /// Why a pull is not waited for any more: a clause.
    private static let otherImage = "its manifest names another image now"

    /// Asks the runtime for what the start of a model needs, once a start: while that waits for room, nothing is fetched
    /// anew.
    func supply(
        _ source: SourceSpec, of model: ModelRecord, with runtime: any Runtime, cause: String
    ) async throws(StoreError) -> Supplied {
        if let known = state.withLock({ $0.supplies[model.key] }), known.source == source.runFields {
            // An edit that was taken back: what was being fetched for it is not waited for any more.
            try await endPull(of: model, Self.otherImage)
            return .ready(image: known.image)
        }
        switch await provide(source, for: model.key, with: runtime) {
        case .ready(let image):
            try await endPull(of: model, succeeded: true)
            if let image {
                state.withLock { $0.supplies[model.key] = State.Supply(source: source.runFields, image: image) }
            }
            return .ready(image: image)
        case .underway(let progress):
            try await note(progress, of: source, for: model, cause: cause)
            return .underway
        case .failed(let failure):
            return .failed(failure)
        }
    }

    /// How many models ask an engine for their images at once: each question is a connection to it.
    static let mostSupplied = 8

    /// An engine that hangs holds up those alone who need it.
    private func provide(_ source: SourceSpec, for key: ModelKey, with runtime: any Runtime) async -> Provision {
        guard source.container != nil else { return await runtime.provide(source, for: key) }
        giveHandBack(key)
        let turn = await supplying.take()
        defer { turn.giveBack() }
        return await runtime.provide(source, for: key)
    }

    /// The start waits for its image: it leaves the line, and callers are held.
    func awaitPull(of model: ModelRecord) async throws(StoreError) -> Bool {
        if leaveLine(model.key) { wakeParked() }
        guard let (model, instances) = try await parts.store.model(model.key) else { return false }
        await publish(model, instances)
        return false
    }

    /// Whether the image is there of what is to be started again: it may have been removed from this host since. It is got
    /// by the name that was fixed for it.
    func supplyAgain(
        _ last: InstanceRecord, for model: ModelRecord, with runtime: any Runtime, cause: String
    ) async throws(StoreError) -> Supplied {
        // How an image is obtained is no run field: that is in what was accepted then.
        let source =
            try await parts.store.spec(of: model.key, running: last.source, before: model.generation)?.source
            ?? last.source
        guard let image = last.image, let fixed = source.fixed(to: image) else { return .ready(image: last.image) }
        let supplied = try await supply(fixed, of: model, with: runtime, cause: cause)
        if case .failed(let failure) = supplied, !Task.isCancelled { try await endPull(of: model, failure.message) }
        return supplied
    }

    // MARK: - What is recorded

    private func note(
        _ progress: PullProgress, of source: SourceSpec, for model: ModelRecord, cause: String
    ) async throws(StoreError) {
        let known = state.withLock { $0.pulls[model.key] }
        if model.pull != nil, let known, known.isFor(source) {
            try await goOn(progress, known, of: model, cause: cause)
            return
        }
        if model.pull != nil { try await endPull(of: model, Self.otherImage) }
        let now = parts.time.now()
        try await commit(.pulling(model.key, progress, cause: cause, isNews: true))
        state.withLock { $0.pulls[model.key] = State.PullNote(progress, of: source, at: now) }
        parts.logger.info(
            "image is being pulled",
            metadata: ["model.key": "\(model.key)", "image": "\(progress.image)", "cause": "\(cause)"])
    }

    private func goOn(
        _ progress: PullProgress, _ known: State.PullNote, of model: ModelRecord, cause: String
    ) async throws(StoreError) {
        var note = known
        note.latest = progress
        defer { state.withLock { $0.pulls[model.key] = note } }
        guard model.pull != progress else { return }
        let now = parts.time.now()
        guard note.isOver(Self.pullRecordPause, since: note.recordedAt, at: now) else {
            return wake(model.key, at: note.recordedAt + Self.pullRecordPause)
        }
        let isNews =
            progress.finishedLayers != note.toldLayers && note.isOver(Self.pullEventPause, since: note.toldAt, at: now)
        try await commit(.pulling(model.key, progress, cause: cause, isNews: isNews))
        note.recordedAt = now
        if isNews {
            note.toldAt = now
            note.toldLayers = progress.finishedLayers
        }
    }

    /// Nothing happens where no pull is recorded.
    private func endPull(of model: ModelRecord, succeeded: Bool = false, _ reason: String = "") async throws(StoreError)
    {
        guard model.pull != nil else { return }
        let last = state.withLock { $0.pulls[model.key]?.latest }
        try await commit(.pulled(model.key, succeeded ? .succeeded(last: last ?? model.pull) : .failed(reason)))
        _ = state.withLock { $0.pulls.removeValue(forKey: model.key) }
        parts.logger.info(
            succeeded ? "image pulled" : "image is no longer waited for",
            metadata: succeeded ? ["model.key": "\(model.key)"] : ["model.key": "\(model.key)", "reason": "\(reason)"])
    }

    /// A model that is not to be started, and does not follow a new image, waits for none.
    func leavePull(of observed: Observation) async throws(StoreError) {
        let model = observed.model
        guard observed.outlook == .ready, !isFollowing(observed) else { return }
        state.withLock { state in
            guard let supply = state.supplies[model.key], !observed.mayUse(supply) else { return }
            state.supplies[model.key] = nil
        }
        // All of them: the source may be of another type by now than the one that was asked for.
        for runtime in parts.runtimes { await runtime.leave(model.key) }
        try await endPull(of: model, observed.whyNotStarted)
    }

    /// Pulls that were under way when an earlier controller ended: what became of them is found out when the image is
    /// asked for again.
    func closeInterruptedPulls() async throws(StoreError) {
        for model in try await parts.store.models() where model.pull != nil {
            try await endPull(of: model, "cut short by the end of modelet")
        }
    }
}

extension Controller.State {
    /// What a start needs, got in advance.
    struct Supply: Sendable {
        var source: SourceSpec
        var image: String
    }

    /// What was heard of a pull, beside what is recorded.
    struct PullNote: Sendable {
        private let image: [String?]
        var latest: PullProgress
        var recordedAt: Timestamp
        /// When an event last told of it, and of how many layers.
        var toldAt: Timestamp
        var toldLayers: Int

        init(_ progress: PullProgress, of source: SourceSpec, at now: Timestamp) {
            image = source.imageFields
            latest = progress
            recordedAt = now
            toldAt = now
            toldLayers = progress.finishedLayers
        }

        func isFor(_ source: SourceSpec) -> Bool { image == source.imageFields }

        /// A clock that was set back holds nothing up.
        func isOver(_ pause: Seconds, since time: Timestamp, at now: Timestamp) -> Bool {
            now >= time + pause || now < time
        }
    }
}

extension SourceSpec {
    /// What together tells which image is meant.
    fileprivate var imageFields: [String?] {
        switch self {
        case .localArtifact: []
        case .docker(let spec): [spec.image, spec.registryAuth]
        case .ecr(let spec): [spec.repository, spec.tag, spec.digest, spec.region, spec.registry]
        }
    }
}

extension Observation {
    /// Whether a start that is still to come takes what was got for it. Who starts later asks anew: a name may stand for
    /// another image then.
    fileprivate func mayUse(_ supply: Controller.State.Supply) -> Bool {
        guard !instances.isEmpty, supply.source == model.spec.source?.runFields else { return false }
        return fulfilling == nil
    }

    /// Why the model is not to be started: a clause.
    fileprivate var whyNotStarted: String {
        if isShuttingDown { return "modelet is shutting down" }
        if model.isRemoved { return "the model was removed from its manifest" }
        if model.spec.isRemote { return "the model has no source any more" }
        if let hold = model.hold { return "unloaded by \(hold.by)" }
        return model.isDemanded ? "it is not needed now" : "nothing demands the model any more"
    }
}
