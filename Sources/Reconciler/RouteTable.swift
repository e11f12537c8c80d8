package import ModelCore

/// What the gateway knows: for every model, where a prediction goes now.
package protocol RouteTable: Sendable {
    /// Applies the changes everywhere, and returns once every event loop uses them: a request that arrives later
    /// sees them. Callers that are held for a model are answered, or held on, according to its new route.
    func publish(_ changes: [RouteChange]) async

    /// How busy instances are. Only predictions of clients count: no probe, no look at a status.
    func activity(of instances: [InstanceID]) async -> [InstanceID: InstanceActivity]

    /// Waits until no request is in flight at the instance, or `timeout` has passed. Returns whether it is idle. That
    /// lasts only where the instance is out of every route; else it is a hint.
    func drained(_ instance: InstanceID, timeout: Duration) async -> Bool
}

extension RouteTable {
    /// How many requests are in flight at the instance.
    package func inFlight(_ instance: InstanceID) async -> Int { await activity(of: instance).inFlight }

    /// How busy one instance is.
    package func activity(of instance: InstanceID) async -> InstanceActivity {
        await activity(of: [instance])[instance] ?? InstanceActivity()
    }
}

package enum RouteChange: Hashable, Sendable {
    case set(Route)
    case remove(ModelKey)
}

/// Where the predictions of one model go, and under which rules.
package struct Route: Hashable, Sendable {
    package enum Target: Hashable, Sendable {
        /// A ready instance, at its proved numeric address.
        case instance(InstanceID, address: String, port: Int)
        /// The model is an HTTP API elsewhere: ``Route/baseURL`` is the upstream itself.
        case remote
        /// Nothing runs yet. A request asks for the load and is held for it.
        case cold(state: ModelState)
        /// Nothing can serve now: fallback at once, else the error.
        case unavailable(Unavailability)
    }

    package var key: ModelKey
    package var target: Target
    /// The fallback, or the upstream of a remote model.
    package var baseURL: String?
    package var endpoint: String
    package var headers: [String: String]
    package var timeout: Seconds
    package var loadTimeout: Seconds
    package var keepAlive: Seconds
    package var retry: Bool
    /// Requests in flight at the model at once; more wait in a queue.
    package var maxConcurrency: Limit
    /// How many may wait there.
    package var maxQueue: Int
    /// How long a load of this model usually takes; the source of `Retry-After`.
    package var expectedLoad: Seconds?

    package init(_ model: ModelRecord, target: Target) {
        let spec = model.spec.effective
        key = model.key
        self.target = target
        baseURL = model.spec.baseURL
        endpoint = spec.endpoint
        headers = spec.headers
        timeout = spec.timeout
        loadTimeout = spec.loadTimeout
        keepAlive = spec.keepAlive
        retry = spec.retry
        maxConcurrency = spec.maxConcurrency
        maxQueue = spec.maxQueue
        expectedLoad = model.loads?.usual
    }
}

/// Why a model cannot be served, in the terms of the error body.
package struct Unavailability: Hashable, Sendable {
    /// `model_failed`, `model_load_failed`, `model_backoff`, `model_held`, `model_unloaded`, `model_unhealthy`, `model_unknown`.
    package var code: String
    package var state: ModelState
    /// A sentence.
    package var message: String
    /// The last lines of the server's log.
    package var log: [String]
    /// When it is worth asking again.
    package var retryAfter: Seconds?

    package init(code: String, state: ModelState, message: String, log: [String] = [], retryAfter: Seconds? = nil) {
        self.code = code
        self.state = state
        self.message = message
        self.log = log
        self.retryAfter = retryAfter
    }
}

/// Where the gateway says that a model is wanted.
package protocol DemandSink: Sendable {
    /// A request for a cold model has arrived. Returns at once, may be called any number of times, from any thread.
    func demand(_ key: ModelKey)
}
