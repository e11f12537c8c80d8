import Hummingbird
package import Reconciler

/// `POST /v1/instances/{instance}/forget`, with the body of `load`: who asks.
func addForget(to group: RouterGroup<AdminContext>, _ surface: any ControlSurface) {
    group.post("instances/:instance/forget") { request, context in
        let ask = try await request.body.decode(ActionAsk.self)
        let instance = context.parameters.get("instance") ?? ""
        return try json(await surface.forget(instance, by: ask.by))
    }
}

extension AdminClient {
    /// Maps to `POST /v1/instances/{instance}/forget`.
    /// - Parameter instance: an id, or the beginning of one.
    package func forget(_ instance: String, by: String) async throws(ClientError) -> ForgottenInstance {
        try await post("/v1/instances/\(instance)/forget", ActionAsk(by: by), ForgottenInstance.self)
    }
}
