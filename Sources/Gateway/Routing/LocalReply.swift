import ModelCore
import NIOCore

/// An answer that the gateway gives itself, and its error body.
struct LocalReply {
    var status: Int
    /// What programs tell errors apart by.
    ///
    /// - Of the request: those of ``Refusal``, `request_timeout`, `method_not_allowed`, `not_found`, `model_not_found`,
    ///   `unauthorized`.
    /// - Of the model, with its `state`: `model_loading`, `model_not_loaded`, `queue_full`, `queue_timeout`, and those of
    ///   `Unavailability`.
    /// - Of an upstream: `upstream_failed` (it could not be reached, or broke off), `prediction_timeout`,
    ///   `fallback_failed` (neither the model nor its fallback could serve: 502, or 504 where the fallback was silent;
    ///   everything but the status and the end of the sentence is as the model's own error would have been).
    /// - Of modelet: `shutting_down`, `not_ready`.
    var code: String
    /// A sentence.
    var message: String
    var state: ModelState?
    /// In seconds.
    var retryAfter: Int?
    var log: [String] = []
    /// The `Allow` header of a 405.
    var allow: String?
    /// Whether the connection is closed after it.
    var closes = false

    init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    init(_ refusal: Refusal) {
        self.init(refusal.status, refusal.code, refusal.message)
        closes = true
    }

    static var shuttingDown: LocalReply {
        var reply = LocalReply(503, "shutting_down", "modelet is shutting down")
        reply.closes = true
        return reply
    }

    /// Before every model is known.
    static var starting: LocalReply {
        var reply = LocalReply(503, "not_ready", "modelet is starting: the manifests are being read")
        reply.retryAfter = Limits.startRetryAfter
        return reply
    }

    static var unauthorized: LocalReply {
        LocalReply(401, "unauthorized", "a token is asked for: send `Authorization: Bearer TOKEN`")
    }

    static func methodNotAllowed(_ message: String, allow: String) -> LocalReply {
        var reply = LocalReply(405, "method_not_allowed", message)
        reply.allow = allow
        return reply
    }

    /// `CONNECT`: what the client sends after it is no HTTP.
    static var connect: LocalReply {
        var reply = methodNotAllowed(
            "CONNECT has no place here: this is no forward proxy", allow: RouteIndex.usualMethods)
        reply.closes = true
        return reply
    }

    /// The reason phrase of ``status``.
    var reason: StaticString {
        switch status {
        case 200: "OK"
        case 204: "No Content"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 414: "URI Too Long"
        case 417: "Expectation Failed"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Error"
        }
    }

    /// The error body of design §6: what is absent is left out.
    func body(model: ModelKey?, requestID: String) -> String {
        var json = JSONText()
        json.add("error", message)
        json.add("code", code)
        if let model { json.add("model", model.description) }
        if let state { json.add("state", state.rawValue) }
        if let retryAfter { json.add("retry_after", retryAfter) }
        json.add("request_id", requestID)
        if !log.isEmpty { json.add("log", log) }
        return json.finished
    }
}

extension Seconds {
    /// Whole seconds, rounded up, at least 1: what `Retry-After` can say.
    var retryAfter: Int { Int(max(1, (milliseconds + 999) / 1000)) }
}
