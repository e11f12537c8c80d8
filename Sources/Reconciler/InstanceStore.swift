package import ModelCore

/// The memory of the controller: what has been accepted, and every instance that may still run.
///
/// One writer, many readers. Each call is one transaction; when a writing call returns, what it wrote survives a power
/// cut. Every writing call fails with ``StoreError/superseded`` once another controller has taken the state over.
package protocol InstanceStore: Sendable {
    /// Every model, accepted and not yet removed, in the order of their keys.
    func models() async throws(StoreError) -> [ModelRecord]

    /// One model with its live instances, oldest first; `nil` where there is no such model.
    func model(_ key: ModelKey) async throws(StoreError) -> (model: ModelRecord, instances: [InstanceRecord])?

    /// All live instances, oldest first.
    func liveInstances() async throws(StoreError) -> [InstanceRecord]

    /// What is taken of the host now: what ``begin(_:cause:contest:at:)`` judges by, for whoever wants to know its answer
    /// without asking for anything.
    func ledger(
        limits: HostLimits, uses: [InstanceID: InstanceUse], at: Timestamp
    ) async throws(StoreError) -> Ledger

    /// How many launches of this generation there have been.
    func attempts(of key: ModelKey, generation: Int) async throws(StoreError) -> Int

    /// The instance of the model that was launched last among those that were ever ready; it may live or have ended.
    func lastReady(of key: ModelKey) async throws(StoreError) -> InstanceRecord?

    /// What was accepted of the model last with these run fields, before it was of that generation.
    func spec(
        of key: ModelKey, running source: SourceSpec, before generation: Int
    ) async throws(StoreError) -> ModelSpec?

    /// Asks `admit` in the transaction that would record the intent: where it grants, the instance, its port lease
    /// and an open `start` operation with `cause` are recorded in it.
    func begin(
        _ intent: InstanceRecord, cause: String, contest: Contest, at: Timestamp
    ) async throws(StoreError) -> Admission

    /// Records one thing that has happened or is about to. A change of an instance that is no longer live, or of a
    /// model that no longer exists, changes nothing.
    func commit(_ change: StateChange, at: Timestamp) async throws(StoreError)

    /// Records the accepted manifests of a root as its next revision, in one transaction with what `cause` does to its
    /// pin, and with the removals that are held back from now on or no longer. An empty `acceptance` makes no revision,
    /// unless it is a rollback to where the root is not pinned yet. What was only ``RevisionCause/edited`` is refused while
    /// the root is pinned.
    /// - Returns: the number of the revision, or of the latest where there is no new one.
    func accept(
        _ acceptance: Acceptance, root: String, cause: RevisionCause, at: Timestamp
    ) async throws(StoreError) -> Int

    /// The roots that are followed, in the order of their registration.
    func roots() async throws(StoreError) -> [String]

    /// The roots that are pinned.
    func pins() async throws(StoreError) -> [String: RootPin]

    /// Remembers what the manifests of a pinned root have come to say; of another root, nothing.
    func notePending(_ pending: String?, root: String, at: Timestamp) async throws(StoreError)

    /// The number of a root's latest revision; 0 where it has none.
    func latestRevision(of root: String) async throws(StoreError) -> Int

    /// The revisions of every root that can still be told in full, oldest first.
    func revisions() async throws(StoreError) -> [RevisionRecord]

    /// The models of a root as a revision left them, in the order of their keys; `nil` where there is no such revision,
    /// or where it can no longer be told in full.
    func models(ofRevision revision: Int) async throws(StoreError) -> [ManifestModel]?

    /// The roots in whose place `root` is named: those that lie in it and are not pinned, and, where it or one of these is
    /// the one that is served, those that nobody names any more. Accepting anything for `root` ends the following of those
    /// that lie in it; where one of them was served, `root` is from then on.
    func predecessors(of root: String) async throws(StoreError) -> [String]

    /// Makes `directory` the root that `serve` names, or that one which contains it and is followed whatever `serve` names.
    /// The one that it named before is followed no longer, and no longer pinned, unless an operator has applied it while it
    /// was not the one that is served.
    /// - Returns: the root that is served.
    @discardableResult
    func serve(directory: String, at: Timestamp) async throws(StoreError) -> String

    /// Remembers what a reading of a root's manifests found beside changes. Makes no revision, and writes nothing where
    /// all of it is known.
    func note(_ notes: ManifestNotes, root: String, at: Timestamp) async throws(StoreError)
}

/// One thing to remember; each is one transaction, with its row in the journal or among the events.
package enum StateChange: Hashable, Sendable {
    // Of an instance
    /// Its shim or container exists: `intent → gated`.
    case gated(InstanceID, PreparedInstance)
    /// It was let go: `gated → starting`, `startedAt`.
    case released(InstanceID)
    case server(InstanceID, ServerProcess)
    /// It was proved to answer at `address`: `→ ready`. The first time sets `readyAt`, closes the `start` operation
    /// and stores the load time.
    case ready(InstanceID, address: String)
    case unready(InstanceID, reason: String)
    /// Predictions go to it. Only a ready instance may be routed.
    case routed(InstanceID)
    case unrouted(InstanceID, reason: String)
    /// `→ draining`; no longer routed.
    case draining(InstanceID, cause: String)
    /// `→ stopping`; no longer routed.
    case stopping(InstanceID, cause: String)
    /// `→ exited` (or `lost`); gives back its port, closes its operations. A `backoff` replaces the model's own, or, of what
    /// stands in for the generation that is wanted, its ``ModelRecord/restoration``; of any other instance it says nothing.
    /// With `endsDemand`, demand from before now counts no longer (``ModelRecord/lastExitAt``); but not where a `backoff`
    /// comes with it of an instance that was never ready and is not what is wanted any more.
    case exited(InstanceID, ExitRecord, backoff: Backoff?, endsDemand: Bool)
    /// The model goes back to standby: `→ draining`, no longer routed. Ends the demand if it is still `ending`; what
    /// was asked for since stays. A `backoff`, where it is unloaded because it failed, is remembered as by `exited`.
    case unloading(InstanceID, cause: String, ending: Demand, backoff: Backoff? = nil)
    /// Its load is given up: `→ stopping`, with the model's new backoff. Ends the demand if it is still `ending`, and the
    /// instance is still what is wanted, or stands in for it.
    case givenUp(InstanceID, cause: String, backoff: Backoff, ending: Demand)
    case unknown(InstanceID, reason: String)
    /// Its identity was proved: `adopted`, no longer unknown. An `engine` is recorded where none was.
    case adopted(InstanceID, server: ServerProcess?, engine: EngineIdentity? = nil)
    /// An operator has ended the claim on it: `→ lost`, as with ``exited(_:_:backoff:endsDemand:)``, with a `remove`
    /// operation of its own. Changes nothing where it is not unknown (any more).
    case forgotten(InstanceID, by: String)

    // Of a model
    case demand(ModelKey, Demand)
    case hold(ModelKey, Hold?)
    case backoff(ModelKey, Backoff?)
    /// A load of that generation failed before there was an instance. Ends the demand if it is still `ending`, and a pull
    /// that is recorded. Changes nothing where the model is of another generation by now.
    case loadFailed(ModelKey, generation: Int, Backoff, ending: Demand)
    /// The last one that was ready could not be launched once more in place of that generation, and there was no instance
    /// of it: ``ModelRecord/restoration``. Ends the demand if it is still `ending`. Changes nothing where the model is of
    /// another generation by now.
    case restorationFailed(ModelKey, insteadOf: Int, Backoff, ending: Demand)
    /// An operator wants it loaded: demand from now, with no hold and no backoff; where a load had failed, its size is
    /// to be measured anew.
    case load(ModelKey, by: String)
    /// An operator wants it unloaded: no demand, and with `hold` none to come.
    case unload(ModelKey, hold: Bool, by: String)
    /// What its instance takes, in bytes, as measured.
    case measured(ModelKey, memory: Int64)
    /// Something that people should know; changes nothing else.
    case noted(ModelKey, String)
    /// A restart was asked for: the next generation, with no backoff and no hold. Where a load had failed, its size is
    /// to be measured anew.
    case restart(ModelKey, by: String)
    /// Why nothing happens; `nil` when something does.
    case waiting(ModelKey, reason: String?)
    /// Its image is being fetched and has come so far; it waits for nothing else. The first opens a `pull` operation with
    /// `cause`. Among the events only what `isNews`.
    case pulling(ModelKey, PullProgress, cause: String, isNews: Bool)
    /// The pull that is recorded has ended; closes its operation.
    case pulled(ModelKey, PullEnd)
    /// What the name of its instance's image stands for now; `nil` where that is what runs.
    case drifted(ModelKey, to: String?)
    /// The image that it has drifted to is to be run: the next generation.
    case newImage(ModelKey, String)
    /// Nothing of it is left: the model is forgotten.
    case removed(ModelKey)

    // Of neither
    /// Something was ended that belonged to no live instance: a sentence.
    case swept(String)
}

/// What became of the fetching of an image.
package enum PullEnd: Hashable, Sendable {
    /// The image is there. `last` is the latest that was heard of its progress.
    case succeeded(last: PullProgress?)
    /// It came to nothing, or nobody waits for it any more: why.
    case failed(String)
}

package enum StoreError: Error, Hashable, Sendable {
    /// Another controller has raised the epoch: this one must write nothing more.
    case superseded
    /// The disk is full, the directory is read-only, the file is damaged: a sentence that says which, and what to do.
    case unavailable(String)
    /// A rule of the schema forbids the change: a fault in this program.
    case refused(String)
}
