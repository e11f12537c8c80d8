import Hummingbird
import Logging
import NIOCore
import Reconciler

/// The body of `shutdown`, and of its answer.
struct ShutdownAsk: AdminBody {
    /// Leave the instances running for the next controller to adopt.
    var keep: Bool

    enum CodingKeys: String, CodingKey, CaseIterable { case keep }

    init(keep: Bool) { self.keep = keep }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        keep = try container.decodeIfPresent(Bool.self, forKey: .keep) ?? false
    }
}

/// `POST /v1/shutdown`
func addShutdown(to group: RouterGroup<AdminContext>, _ surface: any ControlSurface) {
    group.post("shutdown") { request, context in
        let ask = try await request.body.decode(ShutdownAsk.self)
        var response = try json(ask, .accepted, headers: [.connection: "close"])
        let answer = response.body
        // A shutdown ends this server too: the answer must be on its way first.
        response.body = ResponseBody(contentLength: answer.contentLength) { writer in
            do {
                try await answer.write(writer)
                // What has been written is flushed by the event loop in its order: behind this, it is out.
                try await context.channel.eventLoop.submit {}.get()
            } catch {
                context.logger.debug("who asked for the shutdown is gone", metadata: ["error": "\(error)"])
            }
            await surface.shutdown(keep: ask.keep)
        }
        return response
    }
}

extension AdminClient {
    /// Maps to `POST /v1/shutdown`. Returns when the daemon has begun to end.
    package func shutdown(keep: Bool) async throws(ClientError) {
        _ = try await post("/v1/shutdown", ShutdownAsk(keep: keep), ShutdownAsk.self)
    }
}
