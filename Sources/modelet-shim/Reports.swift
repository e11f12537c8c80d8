internal import Glibc

/// Milliseconds since 1970-01-01T00:00:00Z.
func wallClock() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
}

/// How the server ended.
enum Ending {
    case exited(code: Int32)
    case signaled(signal: Int32, core: Bool)
    case notExecuted(errno: Int32, step: Int32)

    /// From what `waitpid` says; the macros of wait(2) spelled out.
    init(status: Int32) {
        let signal = status & 0x7f
        self = signal == 0 ? .exited(code: (status >> 8) & 0xff) : .signaled(signal: signal, core: status & 0x80 != 0)
    }
}

/// The content of `exit.json`: it says that nothing of the instance is left, and how the server ended.
struct ExitReport {
    var instance: String
    /// `nil`: the launch was given up before the server was let go.
    var ending: Ending?
    var startedAt: Int64?
    var stop = "none"
    /// How many processes the server left behind when it ended.
    var leftovers = 0
    /// How many bytes of its output could not be written to its log.
    var lostOutput = 0
    /// What went wrong in the shim itself.
    var error: String?

    /// - Parameter error: what kept it from being started; `nil` where the controller wanted it no more.
    static func neverStarted(instance: String, error: String? = nil) -> ExitReport {
        ExitReport(instance: instance, error: error)
    }

    private var json: String {
        var fields = ["\"protocol\":\(ShimArguments.protocolVersion)", "\"instance\":\"\(instance)\""]
        switch ending {
        case nil: fields.append("\"kind\":\"never_started\"")
        case .exited(let code): fields += ["\"kind\":\"exited\"", "\"code\":\(code)"]
        case .signaled(let signal, let core):
            fields += ["\"kind\":\"signaled\"", "\"signal\":\(signal)", "\"core\":\(core)"]
        case .notExecuted(let code, let step):
            fields += ["\"kind\":\"not_executed\"", "\"errno\":\(code)", "\"step\":\(step)"]
        }
        if let error { fields.append("\"error\":\"\(Self.harmless(error))\"") }
        if let startedAt { fields.append("\"started_at\":\(startedAt)") }
        fields += [
            "\"ended_at\":\(wallClock())", "\"stop\":\"\(stop)\"", "\"leftovers\":\(leftovers)",
            "\"lost_output\":\(lostOutput)",
        ]
        return "{\(fields.joined(separator: ","))}\n"
    }

    /// Text that needs no escape in JSON; what would need one is only worth a `?` here.
    private static func harmless(_ text: String) -> String {
        String(text.map { $0 == "\"" || $0 == "\\" || $0.isNewline || !$0.isASCII ? "?" : $0 })
    }

    /// Writes it so that it survives a power cut; seen whole or not at all.
    func write(to folder: RunFolder) throws(ShimError) {
        try write(to: folder, file: try folder.create(Self.unfinished, O_WRONLY))
    }

    /// Sets disk space aside for the report, so that a full disk cannot keep it from being written.
    static func reserve(in folder: RunFolder) throws(ShimError) -> Int32 {
        let file = try folder.create(unfinished, O_WRONLY)
        let failure = posix_fallocate(file, 0, longest)
        // Where the file system cannot, the report is written as well as it goes.
        if failure != 0 && failure != EOPNOTSUPP && failure != EINVAL { throw .system("exit.json", errno: failure) }
        return file
    }

    /// - Parameter file: as ``reserve(in:)`` gave it.
    func write(to folder: RunFolder, file: Int32) throws(ShimError) {
        let text = json
        try writeAll(text, file)
        try check("truncate exit.json") { ftruncate(file, off_t(text.utf8.count)) }
        try check("fsync exit.json") { fsync(file) }
        try folder.rename(Self.unfinished, to: "exit.json")
        try folder.synchronize()
    }

    private static let unfinished = "exit.json.new"
    /// Bytes; a report takes some 250.
    private static let longest: off_t = 1024
}
