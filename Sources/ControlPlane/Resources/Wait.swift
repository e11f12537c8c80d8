import Hummingbird
package import ModelCore
package import Reconciler

/// The body of `wait`.
struct WaitAsk: AdminBody {
    var goal: WaitGoal
    var timeout: Duration

    /// How long to wait where the request does not say, in seconds: what a load may take by default.
    static let defaultTimeout = 600.0
    /// The longest wait, in seconds: a week, far beyond any load, and safe for the arithmetic of deadlines.
    static let longestTimeout = 7 * 24 * 3600

    enum CodingKeys: String, CodingKey, CaseIterable {
        case goal = "for"
        case timeout = "timeout_seconds"
    }

    init(goal: WaitGoal, timeout: Duration) {
        self.goal = goal
        self.timeout = min(max(timeout, .zero), .seconds(Self.longestTimeout))
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let named = try container.decodeIfPresent(String.self, forKey: .goal)
        guard let goal = named.map(WaitGoal.init(rawValue:)) ?? .ready else {
            throw RequestFault.badBody("field `for` must be `ready`, `standby` or `gone`")
        }
        self.goal = goal
        let seconds = try container.decodeIfPresent(Double.self, forKey: .timeout) ?? Self.defaultTimeout
        guard 0...Double(Self.longestTimeout) ~= seconds else {
            throw RequestFault.badBody("field `timeout_seconds` must be from 0 to \(Self.longestTimeout)")
        }
        timeout = .seconds(seconds)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(goal, forKey: .goal)
        try container.encode(timeout / .seconds(1), forKey: .timeout)
    }
}

/// The answer to `wait`.
struct WaitReply: Codable {
    var model: ModelKey
    var condition: ModelCondition
    /// Whether the model came to what was waited for, rather than to the end of the time or of all hope.
    var reached: Bool
    /// Why it cannot come to that by itself; left out where it has, or where the time was over first.
    var impossible: String?
}

/// `POST /v1/models/{domain}/{source}/{model}/wait`
///
/// A client that hangs up ends its wait.
func addWait(to group: RouterGroup<AdminContext>, _ surface: any ControlSurface) {
    group.post("models/:domain/:source/:model/wait") { request, context in
        let key = try context.modelKey()
        let reply = try await request.body.consumeWithCancellationOnInboundClose { body in
            let ask = try await body.decode(WaitAsk.self)
            let outcome = try await surface.wait(for: ask.goal, of: key, timeout: ask.timeout)
            return WaitReply(
                model: key, condition: outcome.condition, reached: outcome.reached, impossible: outcome.impossible)
        }
        // Watching for the hang-up has used up the connection.
        return try json(reply, headers: [.connection: "close"])
    }
}

extension AdminClient {
    /// How long after the end of the time the daemon may take to say so: one that is stuck never does.
    private static let waitGrace: Duration = .seconds(5)

    /// Maps to `POST /v1/models/{key}/wait`. The time is kept by the daemon; its end is an answer, no error, unless the
    /// daemon does not answer.
    package func wait(
        for goal: WaitGoal, of key: ModelKey, timeout: Duration
    ) async throws(ClientError) -> WaitOutcome {
        let ask = WaitAsk(goal: goal, timeout: timeout)
        let reply = try await post(
            "/v1/models/\(key)/wait", ask, WaitReply.self, within: ask.timeout + Self.waitGrace)
        return WaitOutcome(condition: reply.condition, reached: reply.reached, impossible: reply.impossible)
    }
}
