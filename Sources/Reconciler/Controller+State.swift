import ModelCore

extension Controller {
    enum Job: Sendable {
        case reconcile(ModelKey)
        case watch(InstanceRecord)
        case wake(ModelKey, at: Timestamp)
        /// Look at the line of those who wait to be started; at that time, where one is given.
        case callUp(at: Timestamp?)
        case awaitIdleness(of: [InstanceID], for: ModelKey)
        case measure(InstanceRecord)
        /// Wait until what the instance has in flight is answered, for `timeout` at most.
        case awaitDrain(InstanceRecord, timeout: Seconds)
        /// End the instance: TERM, after `grace` KILL.
        case end(InstanceRecord, any Runtime, grace: Seconds)
        case lookAtImages
        case sweep
        /// Tell the run loop that the state was taken over by another controller.
        case superseded
    }

    /// What is only known while the controller runs; everything that matters after a crash is in the store.
    struct State {
        enum Mode { case running, preparingToStop, stopping, leaving }

        var mode = Mode.running
        var isLooping = false
        var queue = WorkQueue()
        /// The earliest timer of each key.
        var timers: [ModelKey: Timestamp] = [:]
        /// What was seen of the instances of each model, until that is recorded.
        var sightings: [ModelKey: [Sighting]] = [:]
        /// Models that requests have asked for, until that is recorded.
        var demanded: Set<ModelKey> = []
        /// Models that wait for something which another model holds.
        var parked: Set<ModelKey> = []
        /// Models that stand in line for a slot or for room, and since when.
        var waitingForRoom: [ModelKey: Timestamp] = [:]
        /// What a start takes that is not of the generation that is wanted, in bytes: of models that stand in line for it.
        var standInMemory: [ModelKey: Int64] = [:]
        /// Those of them whose own instance, this one, ends or has ended for its successor: the place is theirs.
        var successions: [ModelKey: InstanceRecord] = [:]
        /// Whether the line is being looked at, and whether that is to be done once more.
        var lineLook = OnceMore.none
        /// When the line is to be looked at although nothing has happened.
        var nextCallUp: Timestamp?
        /// Models that callers are held for, and since when the first is.
        var calls: [ModelKey: Timestamp] = [:]
        /// Models that wait for another one to become idle, and whom a task does for.
        var idleWatches: Set<ModelKey> = []
        /// The instance that requests for each model are sent to.
        var serving: [ModelKey: Serving] = [:]
        /// When each instance was last known to be used; first, when it began to serve or was adopted.
        var lastUse: [InstanceID: Timestamp] = [:]
        /// Who is asked to make room.
        var evictions: [ModelKey: Eviction] = [:]
        /// Busy instances that did not come to make room in time, and until when they are not asked again.
        var unyielding: [InstanceID: Timestamp] = [:]
        /// Models whose load an operator has called off, and who.
        var dismissed: [ModelKey: String] = [:]
        /// Whether instances were last seen to take more memory than the budget allows.
        var isOverMemory = false
        /// What was heard of the pulls that are recorded.
        var pulls: [ModelKey: PullNote] = [:]
        /// The image that was got for the next start of each model, until that has been tried.
        var supplies: [ModelKey: Supply] = [:]
        /// What was found before what serves is ended for its successor, where that is waited for.
        var outlooks: [ModelKey: SuccessorOutlook] = [:]
        /// Models whose new image is being got while the old one runs.
        var following: Set<ModelKey> = []
        /// Whether it is being looked at which images have moved, and whether that is to be done once more.
        var imageLook = OnceMore.none
        /// The latest spec of each model, for the tasks that watch its instance.
        var models: [ModelKey: ModelRecord] = [:]
        /// The route that the gateway was last given.
        var published: [ModelKey: Route] = [:]
        /// What a loading instance's last probe said.
        var lastProbe: [InstanceID: String] = [:]
        /// Instances on their way out that a task sees to.
        var attended: Set<InstanceID> = []
        /// What former instances were accepted with: an edit of what is run takes effect as a whole, with the new instance.
        var formerSpecs: [InstanceID: ModelSpec] = [:]
        /// Instances that were found dead: until they have ended, callers are sent to the fallback.
        var buried: Set<InstanceID> = []
        /// Models whose next generation, this one, has found no room beside the instance that serves.
        var lackingRoomBeside: [ModelKey: Int] = [:]
        /// The fixed port that each model waits for, where another one has it.
        var awaitedPorts: [ModelKey: Int] = [:]
        /// What can serve where the generation of a model fails that has failed before: callers are held on.
        var restorable: [ModelKey: InstanceRecord] = [:]
        /// Instances that a task watches.
        var watched: Set<InstanceID> = []
        /// Models that wait for the database to be writable again.
        var unwritten: Set<ModelKey> = []
        /// When the stopping of everything began.
        var stoppingSince: Timestamp?
        /// Models that something on the disk kept from starting, and what it was: looked at again with every rescan.
        var obstructed: [ModelKey: String] = [:]
        /// Those of them that it keeps no more, until their failure is forgotten.
        var unobstructed: Set<ModelKey> = []
        /// Whether the manifests have been read and every model been looked at.
        var isComplete = false
        var listeners: [ModelKey: [UInt64: AsyncStream<Void>.Continuation]] = [:]
        var nextListener: UInt64 = 0
        /// Opened after the next look at each model.
        var awaitedLooks: [ModelKey: [Latch]] = [:]
        /// Looks at what was changed by manifests that were accepted; those that are open have been taken.
        var unseenChanges: [Latch] = []
        var readinessListener: AsyncStream<FleetReadiness>.Continuation?
        var lastReadiness: FleetReadiness?
        /// Models that should be served and are not; kept up to date with each look, since to go through all models
        /// after each would cost a pass over n of them n² steps.
        var unserved: Set<ModelKey> = []
        /// The one of them that is named.
        var namedUnserved: ModelKey?
        /// What was last said about each root's manifests.
        var lastDiagnostics: [String: [Diagnostic]] = [:]
    }
}
