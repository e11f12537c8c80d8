import Hummingbird
package import ModelCore
import Reconciler

/// The body of `load` and `restart`.
struct ActionAsk: AdminBody {
    var by: String

    enum CodingKeys: String, CodingKey, CaseIterable { case by }

    init(by: String) { self.by = by }

    init(from decoder: any Decoder) throws {
        by = try Requester(decoder.container(keyedBy: CodingKeys.self), .by).name
    }
}

/// The body of `unload`.
struct UnloadAsk: AdminBody {
    var by: String
    /// Stay unloaded until `load`.
    var hold: Bool

    enum CodingKeys: String, CodingKey, CaseIterable { case by, hold }

    init(by: String, hold: Bool) {
        self.by = by
        self.hold = hold
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        by = try Requester(container, .by).name
        hold = try container.decodeIfPresent(Bool.self, forKey: .hold) ?? false
    }
}

/// The answer to an action: it is recorded, and will be done.
struct ActionReply: Codable {
    var model: ModelKey
}

/// `POST /v1/models/{domain}/{source}/{model}/load|unload|restart`
func addModelActions(to group: RouterGroup<AdminContext>, _ surface: any ControlSurface) {
    let model = group.group("models/:domain/:source/:model")
    model.post("load") { request, context in
        let key = try context.modelKey()
        try await surface.load(key, by: request.body.decode(ActionAsk.self).by)
        return try json(ActionReply(model: key), .accepted)
    }
    model.post("unload") { request, context in
        let key = try context.modelKey()
        let ask = try await request.body.decode(UnloadAsk.self)
        try await surface.unload(key, hold: ask.hold, by: ask.by)
        return try json(ActionReply(model: key), .accepted)
    }
    model.post("restart") { request, context in
        let key = try context.modelKey()
        try await surface.restart(key, by: request.body.decode(ActionAsk.self).by)
        return try json(ActionReply(model: key), .accepted)
    }
}

extension AdminClient {
    /// Maps to `POST /v1/models/{key}/load`.
    package func load(_ key: ModelKey, by: String) async throws(ClientError) {
        _ = try await post("/v1/models/\(key)/load", ActionAsk(by: by), ActionReply.self)
    }

    /// Maps to `POST /v1/models/{key}/unload`.
    package func unload(_ key: ModelKey, hold: Bool, by: String) async throws(ClientError) {
        _ = try await post("/v1/models/\(key)/unload", UnloadAsk(by: by, hold: hold), ActionReply.self)
    }

    /// Maps to `POST /v1/models/{key}/restart`.
    package func restart(_ key: ModelKey, by: String) async throws(ClientError) {
        _ = try await post("/v1/models/\(key)/restart", ActionAsk(by: by), ActionReply.self)
    }
}
