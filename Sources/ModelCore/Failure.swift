/// How an instance ended.
package struct ExitRecord: Codable, Hashable, Sendable {
    package enum Kind: Codable, Hashable, Sendable {
        /// The server ended by itself with this code.
        case exited(code: Int32)
        /// The server was ended by this signal.
        case signaled(signal: Int32)
        /// The command could not be executed: the `errno` of `execve` or of the step before it.
        case notExecuted(errno: Int32)
        /// The launch was given up before the server was let go.
        case neverStarted
        /// It is gone and nobody saw how: its shim was killed, or the host was restarted.
        case lost
    }

    package var kind: Kind
    package var at: Timestamp
    /// A sentence for people, without the name of the model.
    package var message: String
    /// The last lines that the server wrote, oldest first; at most ``longestLogTail``.
    package var logTail: [String]
    /// Whether the kernel ended it because its container's memory was used up. ``message`` says so as well.
    package var isOutOfMemory: Bool

    /// How many log lines are kept with an exit.
    package static let longestLogTail = 20

    package init(
        kind: Kind, at: Timestamp, message: String, logTail: [String] = [], isOutOfMemory: Bool = false
    ) {
        self.kind = kind
        self.at = at
        self.message = message
        self.logTail = logTail
        self.isOutOfMemory = isOutOfMemory
    }

    /// One that an earlier version wrote does not say whether memory was used up.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        kind = try values.decode(Kind.self, forKey: .kind)
        at = try values.decode(Timestamp.self, forKey: .at)
        message = try values.decode(String.self, forKey: .message)
        logTail = try values.decode([String].self, forKey: .logTail)
        isOutOfMemory = try values.decodeIfPresent(Bool.self, forKey: .isOutOfMemory) ?? false
    }
}

/// Why a load came to nothing, and whether it makes sense to try it again soon.
package struct LoadFailure: Codable, Hashable, Sendable, Error {
    package enum Class: String, Codable, Hashable, Sendable {
        /// May go away by itself; tried again after a backoff.
        case retryable
        /// Needs somebody to change something; tried again only every ``Backoff/terminalDelay``, or when asked to.
        case terminal
    }

    package var classification: Class
    /// A sentence for people, without the name of the model.
    package var message: String
    package var at: Timestamp
    package var exit: ExitRecord?

    /// How the message of a load begins that took longer than its manifest allows.
    package static let tooSlow = "not ready within start_timeout"
    package var isTooSlow: Bool { message.hasPrefix(Self.tooSlow) }

    package init(_ classification: Class, _ message: String, at: Timestamp, exit: ExitRecord? = nil) {
        self.classification = classification
        self.message = message
        self.at = at
        self.exit = exit
    }
}

/// What is remembered of a model's failed loads, until a load lasts or its spec changes.
package struct Backoff: Codable, Hashable, Sendable {
    /// Failures in a row, at least 1.
    package var failures: Int
    package var lastFailure: LoadFailure
    /// No start before this.
    package var nextAttempt: Timestamp

    package init(failures: Int, lastFailure: LoadFailure, nextAttempt: Timestamp) {
        self.failures = failures
        self.lastFailure = lastFailure
        self.nextAttempt = nextAttempt
    }

    /// Whether a start has to wait for it at `now`. A failure from the future was dated by a clock that has been set
    /// back since, and holds nothing up.
    package func isPending(at now: Timestamp) -> Bool {
        nextAttempt > now && lastFailure.at <= now
    }

    /// The wait after the second failure in a row; the first is tried again at once. Doubles with each further one.
    package static let firstDelay: Seconds = 1
    package static let longestDelay: Seconds = 60
    /// The wait after a terminal failure: long enough to cost nothing, short enough that a mended host heals by itself.
    package static let terminalDelay: Seconds = 600
    /// Failures in a row after which a generation that has never been ready gives way to the last one that was.
    package static let rejectedAfter = 3
    /// Whether what has failed is not to be waited for where something else can serve.
    package var isRejection: Bool { lastFailure.classification == .terminal || failures >= Self.rejectedAfter }

    /// Readiness for this long means that the load was good: earlier failures are forgotten.
    package static let forgottenAfter: Seconds = 60

    /// What is remembered once `failure` has followed `previous`.
    /// - Parameter jitter: from 0 up to 1, drawn by the caller; stretches the wait by at most a quarter, so that
    ///   models which failed together do not come back together.
    package static func after(_ failure: LoadFailure, previous: Backoff?, jitter: Double) -> Backoff {
        let failures = (previous?.failures ?? 0) + 1
        let wait: Seconds
        switch failure.classification {
        case .terminal:
            wait = terminalDelay
        case .retryable where failures == 1:
            wait = .zero
        case .retryable:
            let doublings = min(failures - 2, 16)
            let base = min(firstDelay.milliseconds << Int64(doublings), longestDelay.milliseconds)
            wait = Seconds(milliseconds: base + Int64(Double(base) * 0.25 * jitter))
        }
        return Backoff(failures: failures, lastFailure: failure, nextAttempt: failure.at + wait)
    }
}
