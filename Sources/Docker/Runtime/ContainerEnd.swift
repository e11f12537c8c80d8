internal import Glibc
internal import ModelCore
internal import ProcFS

/// What the engine says of a container that has ended, as an exit of a model server.
struct ContainerEnd {
    let details: ContainerDetails
    /// Bytes; `nil` where the manifest gives no limit.
    let memoryLimit: Int64?
    /// Whether this program asked it to end.
    let wasAsked: Bool

    init(_ details: ContainerDetails, _ instance: InstanceRecord, wasAsked: Bool) {
        self.details = details
        memoryLimit = instance.source.container?.memory
        self.wasAsked = wasAsked
    }

    /// The engine reports 128 + n where signal n ended the first process, and so do shells of their commands.
    private static let signalBase = 128
    private static let signals = 1...31

    private var code: Int32 { Int32(clamping: details.exitCode) }
    private var signal: Int32? {
        let number = details.exitCode - Self.signalBase
        return Self.signals.contains(number) ? Int32(number) : nil
    }

    /// - Parameter now: where the engine does not say when.
    func record(at now: Timestamp, logTail: [String]) -> ExitRecord {
        ExitRecord(
            kind: signal.map { .signaled(signal: $0) } ?? .exited(code: code), at: details.finishedAt ?? now,
            message: sentence, logTail: logTail, isOutOfMemory: details.isOutOfMemory)
    }

    /// It was created, and does not run; maybe because it could not be started.
    func neverStarted(at now: Timestamp) -> ExitRecord {
        let reason = LogLines.printable(details.error.split(whereSeparator: \.isNewline).joined(separator: " "))
        let message =
            reason.isEmpty ? "the launch was given up before it began" : "its container could not be started: \(reason)"
        return ExitRecord(kind: .neverStarted, at: now, message: message)
    }

    private var sentence: String {
        if wasAsked { return stoppedSentence }
        if details.isOutOfMemory { return outOfMemorySentence }
        let why = details.error.isEmpty ? "" : " (\(LogLines.printable(details.error)))"
        guard let signal else { return "exited with code \(code)\(codeHint)\(why)" }
        return "killed by \(signalName(signal))\(signal == SIGKILL ? killHint : "")\(why)"
    }

    private var stoppedSentence: String {
        switch signal {
        case SIGKILL where details.isOutOfMemory: "killed for want of memory while it was being stopped"
        case SIGKILL: "killed, because it did not end when asked to"
        case SIGTERM: "stopped"
        case .some(let signal): "stopped (by \(signalName(signal)))"
        case nil: "stopped (exited with code \(code))"
        }
    }

    private var outOfMemorySentence: String {
        let limit =
            memoryLimit.map { "its container had used up its memory limit of \(ByteCount($0)); raise `memory`" }
            ?? "the host ran out of memory"
        if signal == SIGKILL { return "killed, because \(limit)" }
        return
            "\(signal.map { "killed by \(signalName($0))" } ?? "exited with code \(code)") after one of its processes "
            + "was killed, because \(limit)"
    }

    /// The kernel's own killing for want of memory is told apart; the host's is not always.
    private var killHint: String { ", by somebody, or because the host ran out of memory (see `dmesg`)" }

    private var codeHint: String {
        switch code {
        case 126: " (by custom: a command that it ran could not be executed)"
        case 127: " (by custom: a command that it ran was not found)"
        // Also what the engine reports of an end that it did not see.
        case 255: " (or in a way that the engine did not see: it or the host may have been restarted)"
        default: ""
        }
    }
}
