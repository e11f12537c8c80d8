import ModelCore

/// Where a request goes, as its method and its path say.
enum Destination {
    /// A prediction of this model.
    case model(RouteEntry)
    /// The model's own API; the path there begins at `offset` of the request's, or is empty.
    case api(RouteEntry, offset: Int)
    case health(Health)
    /// What there is to know of a model (KServe V2).
    case metadata(RouteEntry)
    /// `OPTIONS *`: about the server as a whole.
    case options
    /// Nothing here answers that.
    case refused(LocalReply)

    enum Health {
        case live, ready
        case model(RouteEntry)
    }

    /// The destination of a request whose target is no path.
    static func withoutPath(_ head: RequestHead, in bytes: UnsafeRawBufferPointer) -> Destination {
        switch head.method {
        case .connect: .refused(.connect)
        case .options where head.target.count == 1 && bytes[head.target.lowerBound] == UInt8(ascii: "*"): .options
        default: .refused(LocalReply(Refusal.badTarget))
        }
    }
}

extension RouteIndex {
    private static let predictions: StaticString = "/orchestrator/"
    private static let apis: StaticString = "/upstream/"
    private static let models: StaticString = "/v2/models/"

    /// Finds the destination of a request.
    /// - Parameter path: the path of its target, without the query.
    func destination(_ method: RequestHead.Method, _ path: UnsafeRawBufferPointer) -> Destination {
        let isEscaped = path.contains(UInt8(ascii: "%"))
        if !isEscaped, let name = path.after(Self.predictions) { return prediction(method, name) }
        // As it was written: what the escapes in it mean is for the model's server to say.
        if let rest = path.after(Self.apis) { return api(method, rest, in: path) }
        guard isEscaped else { return other(method, path) }
        guard let decoded = RequestTarget.decoded(path, takesSlash: path.after(Self.models) != nil) else {
            return .refused(LocalReply(400, "bad_request", "the path has a percent escape that has no place there"))
        }
        return decoded.withUnsafeBytes { path in
            if let name = path.after(Self.predictions) { return prediction(method, name) }
            return other(method, path)
        }
    }

    private func prediction(_ method: RequestHead.Method, _ name: UnsafeRawBufferPointer) -> Destination {
        guard method == .post else {
            return .refused(.methodNotAllowed("a prediction is asked for with POST", allow: "POST"))
        }
        var slashes = 0
        for byte in name where byte == UInt8(ascii: "/") { slashes += 1 }
        if slashes == 2, let entry = model(named: name) { return .model(entry) }
        if slashes == 1, let entry = source(named: name)?.preferred { return .model(entry) }
        return .refused(notFound(name))
    }

    private func other(_ method: RequestHead.Method, _ path: UnsafeRawBufferPointer) -> Destination {
        let found: Destination
        switch String(decoding: path.prefix(Self.longestOtherPath), as: UTF8.self) {
        case "/v2/health/live", "/livez", "/healthz": found = .health(.live)
        case "/v2/health/ready", "/readyz": found = .health(.ready)
        default:
            guard let rest = path.after(Self.models) else {
                return .refused(
                    LocalReply(
                        404, "not_found", "there is nothing here; predictions are at /orchestrator/DOMAIN/SOURCE"))
            }
            let asked = rest.before("/ready")
            guard let entry = model(named: asked ?? rest) else { return .refused(notFound(asked ?? rest)) }
            found = asked == nil ? .metadata(entry) : .health(.model(entry))
        }
        guard method == .get || method == .head else {
            return .refused(.methodNotAllowed("this is asked for with GET", allow: "GET, HEAD"))
        }
        return found
    }

    /// Longer than the longest path that ``other(_:_:)`` knows by name.
    private static let longestOtherPath = 32
}

extension UnsafeRawBufferPointer {
    /// What follows `prefix`; `nil` where the bytes do not begin with it.
    func after(_ prefix: StaticString) -> UnsafeRawBufferPointer? {
        let length = prefix.utf8CodeUnitCount
        guard count >= length else { return nil }
        for index in 0..<length where self[index] != prefix.utf8Start[index] { return nil }
        return UnsafeRawBufferPointer(rebasing: self[length...])
    }

    /// What comes before `suffix`; `nil` where the bytes do not end with it.
    func before(_ suffix: StaticString) -> UnsafeRawBufferPointer? {
        let split = count - suffix.utf8CodeUnitCount
        guard split >= 0, UnsafeRawBufferPointer(rebasing: self[split...]).after(suffix) != nil else { return nil }
        return UnsafeRawBufferPointer(rebasing: self[..<split])
    }
}
