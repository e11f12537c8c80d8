import Hummingbird
import ModelCore
package import Reconciler

/// What the controller says of itself.
struct AboutReply: Codable {
    var version: String
    var pid: Int32
    var stateUUID: String
    var gateway: String
    /// Whether that is spoken to under TLS; absent where it is not.
    var gatewayTLS: Bool?
    /// RFC 3339, to the millisecond.
    var startedAt: String

    enum CodingKeys: String, CodingKey {
        case version, pid, gateway
        case stateUUID = "state_uuid"
        case gatewayTLS = "gateway_tls"
        case startedAt = "started_at"
    }
}

/// `GET /v1/about`
func addAbout(to group: RouterGroup<AdminContext>, _ surface: any ControlSurface) {
    group.get("about") { _, _ in
        let about = await surface.about()
        return try json(
            AboutReply(
                version: about.version, pid: about.pid, stateUUID: about.stateUUID, gateway: about.gateway,
                gatewayTLS: about.gatewayIsTLS ? true : nil, startedAt: about.startedAt.rfc3339))
    }
}

extension AdminClient {
    /// Maps to `GET /v1/about`.
    package func about() async throws(ClientError) -> ControllerAbout {
        try await about(within: Self.longestAction)
    }

    package func about(within timeout: Duration) async throws(ClientError) -> ControllerAbout {
        let reply = try await get("/v1/about", AboutReply.self, within: timeout)
        guard let startedAt = Timestamp(rfc3339: reply.startedAt) else {
            throw .badReply("the daemon's answer is not understood: started_at is \(reply.startedAt)")
        }
        return ControllerAbout(
            version: reply.version, pid: reply.pid, stateUUID: reply.stateUUID, gateway: reply.gateway,
            gatewayIsTLS: reply.gatewayTLS ?? false, startedAt: startedAt)
    }
}
