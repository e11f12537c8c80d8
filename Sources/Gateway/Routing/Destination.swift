import ModelCore

/// Where a request goes, as its method and its path say.
enum Destination {
    /// A prediction of this model.
    case model(RouteEntry)
    case health(Health)
    /// Nothing here answers that.
    case refused(LocalReply)

    enum Health {
        case live, ready
        case model(RouteEntry)
    }
}

extension RouteIndex {
    private static let predictions: StaticString = "/orchestrator/"

    /// Finds the destination of a request.
    /// - Parameter path: the path of its target, without the query.
    func destination(_ method: RequestHead.Method, _ path: UnsafeRawBufferPointer) -> Destination {
        guard !path.contains(UInt8(ascii: "%")) else {
            guard let decoded = RequestTarget.decoded(path) else {
                return .refused(LocalReply(400, "bad_request", "the path has a percent escape that has no place there"))
            }
            return decoded.withUnsafeBytes { destination(method, $0) }
        }
        if let name = path.after(Self.predictions) { return prediction(method, name) }
        return other(method, path)
    }

    private func prediction(_ method: RequestHead.Method, _ name: UnsafeRawBufferPointer) -> Destination {
        guard method == .post else {
            var reply = LocalReply(405, "method_not_allowed", "a prediction is asked for with POST")
            reply.allow = "POST"
            return .refused(reply)
        }
        var slashes = 0
        for byte in name where byte == UInt8(ascii: "/") { slashes += 1 }
        if slashes == 2, let entry = model(named: name) { return .model(entry) }
        if slashes == 1, let entry = source(named: name)?.preferred { return .model(entry) }
        return .refused(notFound(name))
    }

    private func other(_ method: RequestHead.Method, _ path: UnsafeRawBufferPointer) -> Destination {
        let health: Destination.Health?
        switch String(decoding: path.prefix(Self.longestOtherPath), as: UTF8.self) {
        case "/v2/health/live", "/livez", "/healthz": health = .live
        case "/v2/health/ready", "/readyz": health = .ready
        default:
            guard let name = Self.modelAsked(path) else {
                health = nil
                break
            }
            guard let entry = model(named: name) else { return .refused(notFound(name)) }
            health = .model(entry)
        }
        if let health {
            guard method == .get || method == .head else {
                var reply = LocalReply(405, "method_not_allowed", "health is asked for with GET")
                reply.allow = "GET, HEAD"
                return .refused(reply)
            }
            return .health(health)
        }
        if path.after("/upstream/") != nil {
            return .refused(LocalReply(501, "not_implemented", "/upstream is not supported yet"))
        }
        return .refused(
            LocalReply(404, "not_found", "there is nothing here; predictions are at /orchestrator/DOMAIN/SOURCE"))
    }

    /// Longer than the longest path that ``other(_:_:)`` knows by name.
    private static let longestOtherPath = 32

    /// The key in `/v2/models/{key}/ready`.
    private static func modelAsked(_ path: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let end: StaticString = "/ready"
        guard let rest = path.after("/v2/models/"), rest.count > end.utf8CodeUnitCount else { return nil }
        let split = rest.count - end.utf8CodeUnitCount
        guard UnsafeRawBufferPointer(rebasing: rest[split...]).after(end) != nil else { return nil }
        return UnsafeRawBufferPointer(rebasing: rest[..<split])
    }
}

extension UnsafeRawBufferPointer {
    /// What follows `prefix`; `nil` where the bytes do not begin with it.
    func after(_ prefix: StaticString) -> UnsafeRawBufferPointer? {
        let length = prefix.utf8CodeUnitCount
        guard count >= length else { return nil }
        for index in 0..<length where self[index] != prefix.utf8Start[index] { return nil }
        return UnsafeRawBufferPointer(rebasing: self[length...])
    }
}
