import Logging
import ModelCore
import NIOCore
import Reconciler

/// Answers that the gateway gives itself.
extension ClientConnection {
    /// Answers with an error, in place of whatever was under way.
    func reply(_ reply: LocalReply) {
        let isHeadRead = phase != .head
        releaseHold()
        dropUpstream()
        if !isHeadRead { worker.requestBegan() }
        let id = requestIDText
        var lines = ""
        if let key = exchange.entry?.key { lines += "X-Modelet-Model: \(key)\r\n" }
        if reply.status == 401 { lines += "WWW-Authenticate: Bearer\r\n" }
        if let allow = reply.allow { lines += "Allow: \(allow)\r\n" }
        if let retryAfter = reply.retryAfter { lines += "Retry-After: \(retryAfter)\r\n" }
        if reply.status >= 500 {
            worker.shared.log.debug(
                "request failed",
                metadata: [
                    "http.status": "\(reply.status)", "error.code": "\(reply.code)", "request.id": "\(id)",
                    "model.key": "\(exchange.entry?.key.description ?? "")", "error.message": "\(reply.message)",
                ])
        }
        answer(
            reply.status, reply.reason, lines: lines, requestID: id,
            body: reply.body(model: exchange.entry?.key, requestID: id), keepsAlive: isHeadRead && !reply.closes)
    }

    /// Answers a question about health.
    /// - Parameter isTrusted: whether who asks may know why a model cannot be served.
    func answer(_ health: Destination.Health, isTrusted: Bool) {
        switch health {
        case .live:
            answerYes("live")
        case .ready:
            switch worker.shared.readiness {
            case _ where worker.isShuttingDown: reply(notReady(LocalReply.shuttingDown))
            case .ready: answerYes("ready")
            case .notReady(let reason): reply(LocalReply(503, "not_ready", reason))
            }
        case .model(let entry):
            exchange.entry = entry
            switch entry.prepared.route.target {
            case .instance, .remote:
                guard entry.prepared.primary != nil else { return reply(unusable(entry.prepared)) }
                answerYes("ready")
            case .cold(let state):
                var cold = LocalReply(503, "model_not_loaded", "the model is not loaded")
                cold.state = state
                reply(cold)
            case .unavailable(let unavailability):
                let reason = isTrusted ? unavailability.message : "the model cannot be served"
                var unavailable = LocalReply(503, unavailability.code, reason)
                unavailable.state = unavailability.state
                reply(unavailable)
            }
        }
    }

    /// Answers what there is to know of a model (KServe V2). It wakes nobody.
    func describe(_ entry: RouteEntry) {
        exchange.entry = entry
        let state: ModelState =
            switch entry.prepared.route.target {
            case .instance: .ready
            case .remote: .remote
            case .cold(let state): state
            case .unavailable(let unavailability): unavailability.state
            }
        var json = JSONText()
        json.add("name", entry.key.description)
        json.add("platform", "modelet")
        json.add("state", state.rawValue)
        answer(
            200, "OK", lines: "X-Modelet-Model: \(entry.key)\r\n", requestID: requestIDText, body: json.finished,
            keepsAlive: true)
    }

    /// Answers `OPTIONS *`.
    func answerOptions() {
        answer(
            204, "No Content", lines: "Allow: \(RouteIndex.usualMethods)\r\n", requestID: requestIDText, body: "",
            keepsAlive: true)
    }

    private var requestIDText: String {
        exchange.bytes.withUnsafeReadableBytes { bytes in
            var text = ByteBuffer()
            text.write(exchange.requestID, head: bytes)
            return String(buffer: text)
        }
    }

    /// A health check may go on asking on the same connection.
    private func notReady(_ reply: LocalReply) -> LocalReply {
        var reply = reply
        reply.closes = false
        return reply
    }

    private func answerYes(_ what: String) {
        var json = JSONText()
        json.add(what, true)
        answer(200, "OK", lines: "", requestID: requestIDText, body: json.finished, keepsAlive: true)
    }

    private func answer(
        _ status: Int, _ reason: StaticString, lines: String, requestID: String, body: String, keepsAlive: Bool
    ) {
        let head = parser.head
        let goesOn = keepsAlive && mayReachNextRequest && head.keepsAlive && !worker.isShuttingDown
        out.writeString("HTTP/1.1 \(status) \(reason)\r\n")
        if status != 204 {
            out.writeString("Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n")
        }
        out.writeString("\(lines)X-Request-Id: \(requestID)\r\n")
        if !goesOn {
            out.writeStaticString("Connection: close\r\n")
        } else if !head.isHTTP11 {
            out.writeStaticString("Connection: keep-alive\r\n")
        }
        out.writeStaticString("\r\n")
        if head.method != .head { out.writeString(body) }
        finish(keepsAlive: goesOn, lingering: true)
    }
}
