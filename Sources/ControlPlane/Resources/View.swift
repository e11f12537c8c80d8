import Hummingbird
package import ModelCore
package import Reconciler

/// The answer to `view`. Times are RFC 3339, to the millisecond; what does not apply is left out.
struct ViewReply: Codable {
    struct Decision: Codable {
        var kind: DecisionReport.Kind
        var step: String?
        var instance: InstanceID?
        var reason: String?
        var until: String?
    }

    struct Instance: Codable {
        var id: InstanceID
        var inFlight: Int
        var lastAnswer: String?
        var lastProbe: String?

        enum CodingKeys: String, CodingKey {
            case id
            case inFlight = "in_flight"
            case lastAnswer = "last_answer_at"
            case lastProbe = "last_probe"
        }
    }

    var model: ModelKey
    var decision: Decision
    var isShuttingDown: Bool
    var idleSince: String?
    var eviction: String?
    var isSupplied: Bool
    var nextLook: String?
    var inLineSince: String?
    var calledSince: String?
    var instances: [Instance]

    enum CodingKeys: String, CodingKey {
        case model, decision, eviction, instances
        case isShuttingDown = "shutting_down"
        case idleSince = "idle_since"
        case isSupplied = "supplied"
        case nextLook = "next_look_at"
        case inLineSince = "in_line_since"
        case calledSince = "called_since"
    }
}

extension ViewReply {
    init(_ view: ControllerView, of key: ModelKey) {
        model = key
        decision = Decision(
            kind: view.decision.kind, step: view.decision.step, instance: view.decision.instance,
            reason: view.decision.reason, until: view.decision.until?.rfc3339)
        isShuttingDown = view.isShuttingDown
        idleSince = view.idleSince?.rfc3339
        eviction = view.eviction
        isSupplied = view.isSupplied
        nextLook = view.nextLook?.rfc3339
        inLineSince = view.inLineSince?.rfc3339
        calledSince = view.calledSince?.rfc3339
        instances = view.instances.map {
            Instance(
                id: $0.id, inFlight: $0.inFlight, lastAnswer: $0.lastAnswer?.rfc3339, lastProbe: $0.lastProbe)
        }
    }

    var view: ControllerView {
        var view = ControllerView(
            decision: DecisionReport(
                decision.kind, step: decision.step, instance: decision.instance, reason: decision.reason,
                until: time(decision.until)))
        view.isShuttingDown = isShuttingDown
        view.idleSince = time(idleSince)
        view.eviction = eviction
        view.isSupplied = isSupplied
        view.nextLook = time(nextLook)
        view.inLineSince = time(inLineSince)
        view.calledSince = time(calledSince)
        view.instances = instances.map {
            InstanceView(
                id: $0.id, inFlight: $0.inFlight, lastAnswer: time($0.lastAnswer), lastProbe: $0.lastProbe)
        }
        return view
    }

    /// A time that is not understood is left out, like one that does not apply.
    private func time(_ text: String?) -> Timestamp? { text.flatMap { Timestamp(rfc3339: $0) } }
}

/// `GET /v1/models/{domain}/{source}/{model}/view`
func addView(to group: RouterGroup<AdminContext>, _ surface: any ControlSurface) {
    group.get("models/:domain/:source/:model/view") { _, context in
        let key = try context.modelKey()
        return try json(ViewReply(await surface.view(of: key), of: key))
    }
}

extension AdminClient {
    /// Maps to `GET /v1/models/{key}/view`.
    package func view(of key: ModelKey, within timeout: Duration) async throws(ClientError) -> ControllerView {
        try await get("/v1/models/\(key)/view", ViewReply.self, within: timeout).view
    }
}
