package import ModelCore
package import Reconciler

/// The fetching of one image, for all models that want it: what is going on, who waits for it, and who has not been told
/// yet what came of it. Does nothing itself: its owner tells it what happens, and does what it answers.
package struct PullState: Sendable {
    package typealias Instant = ContinuousClock.Instant

    package enum Phase: Hashable, Sendable {
        /// Nothing is going on.
        case idle
        /// The host of its registry is asked for.
        case locating
        case pulling(PullProgress)
    }

    package enum Outcome: Hashable, Sendable {
        case ready(image: String)
        case failed(LoadFailure)
    }

    package enum Event: Hashable, Sendable {
        /// A model wants the image.
        case asked(ModelKey, PullPolicy)
        /// The engine was found not to have the image, at a look that was called for when so many pulls had ended.
        case foundAbsent(ModelKey, endings: Int)
        /// The registry is known now.
        case located(ImageReference)
        case progressed(PullProgress)
        /// What was going on is over.
        case ended(Outcome)
        /// A model wants another image now, or none.
        case left(ModelKey)
    }

    package enum Action: Hashable, Sendable {
        case nothing
        /// Answer the model that has asked.
        case answer(Provision)
        /// See whether the engine has the image, and if not, come back with ``Event/foundAbsent(_:endings:)``.
        case look(ImageReference, endings: Int)
        /// Ask for the registry; the model that has asked waits.
        case locate
        /// Pull; the model that has asked waits.
        case pull(ImageReference)
        /// Let these models ask again.
        case wake([ModelKey])
    }

    private struct Told {
        var outcome: Outcome
        var since: Instant
    }

    private let label: String
    /// Whether the manifest itself says where the image is.
    private let isNamed: Bool
    package private(set) var reference: ImageReference?
    package private(set) var phase = Phase.idle
    private var waiting: Set<ModelKey> = []
    private var untold: [ModelKey: Told] = [:]
    private var endings = 0
    private var lastWake: Instant?

    package init(_ image: WantedImage) {
        label = image.label
        reference = image.reference
        isNamed = reference != nil
    }

    /// Progress is told no more often than this, save that a layer is done: each time, all who wait are looked at anew.
    package static let pauseOfWakes = Duration.seconds(1)
    /// What came of a pull is told for this long. Who asks later asks for another try: his reason to ask is a new one.
    package static let longestUntold = Duration.seconds(600)

    /// Whether nothing would be lost if it were forgotten.
    package var isSpent: Bool { phase == .idle && untold.isEmpty && waiting.isEmpty }

    package mutating func handle(_ event: Event, at now: Instant) -> Action {
        switch event {
        case .asked(let key, let policy): asked(key, policy, at: now)
        case .foundAbsent(let key, let seen): foundAbsent(key, seen: seen)
        case .located(let reference): located(reference)
        case .progressed(let progress): progressed(progress, at: now)
        case .ended(let outcome): ended(outcome, at: now)
        case .left(let key): left(key)
        }
    }

    private mutating func asked(_ key: ModelKey, _ policy: PullPolicy, at now: Instant) -> Action {
        if let told = untold.removeValue(forKey: key), told.since + Self.longestUntold > now {
            switch told.outcome {
            case .ready(let image): return .answer(.ready(image: image))
            case .failed(let failure): return .answer(.failed(failure))
            }
        }
        switch phase {
        case .locating:
            return wait(key)
        case .pulling:
            // What is here already may be run while it is pulled anew; but who waits has found that it is not.
            if policy == .always || waiting.contains(key) { return wait(key) }
            return reference.map { .look($0, endings: endings) } ?? wait(key)
        case .idle:
            guard let reference else {
                waiting.insert(key)
                phase = .locating
                return .locate
            }
            return policy == .always ? begin(reference, for: key) : .look(reference, endings: endings)
        }
    }

    private mutating func foundAbsent(_ key: ModelKey, seen: Int) -> Action {
        if phase != .idle { return wait(key) }
        guard let reference else {
            waiting.insert(key)
            phase = .locating
            return .locate
        }
        // A pull has ended since: the look may have been before that.
        guard seen == endings else { return .look(reference, endings: endings) }
        return begin(reference, for: key)
    }

    private mutating func begin(_ reference: ImageReference, for key: ModelKey) -> Action {
        waiting.insert(key)
        phase = .pulling(PullProgress(image: label))
        lastWake = nil
        return .pull(reference)
    }

    private mutating func wait(_ key: ModelKey) -> Action {
        waiting.insert(key)
        return .answer(.underway(progress))
    }

    private var progress: PullProgress {
        if case .pulling(let progress) = phase { progress } else { PullProgress(image: label) }
    }

    private mutating func located(_ reference: ImageReference) -> Action {
        guard phase == .locating else { return .nothing }
        self.reference = reference
        phase = .idle
        return wakeAll()
    }

    private mutating func progressed(_ progress: PullProgress, at now: Instant) -> Action {
        guard case .pulling(let before) = phase, progress != before else { return .nothing }
        phase = .pulling(progress)
        let isDue = lastWake.map { $0 + Self.pauseOfWakes <= now } ?? true
        guard isDue || progress.finishedLayers != before.finishedLayers else { return .nothing }
        lastWake = now
        return .wake(waiting.sorted())
    }

    private mutating func ended(_ outcome: Outcome, at now: Instant) -> Action {
        guard phase != .idle else { return .nothing }
        phase = .idle
        endings += 1
        for key in waiting { untold[key] = Told(outcome: outcome, since: now) }
        // An account may have got another registry since.
        if case .failed = outcome, !isNamed { reference = nil }
        return wakeAll()
    }

    private mutating func wakeAll() -> Action {
        defer { waiting = [] }
        return .wake(waiting.sorted())
    }

    private mutating func left(_ key: ModelKey) -> Action {
        waiting.remove(key)
        untold[key] = nil
        return .nothing
    }
}
