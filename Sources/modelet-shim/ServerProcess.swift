internal import CLinux
internal import Glibc
internal import ProcFS

/// The model server, a child that no one else reaps: its pid stays its own until `Supervisor` has reaped it.
struct ServerProcess {
    let pid: Int32
    let startedAt: Int64
    /// The read end of its standard output and error, non-blocking.
    let output: Int32
    /// Where it says which step failed before its program ran; at the end of file it runs. Non-blocking.
    let report: Int32

    /// Forks the server, writes `server.json`, and only then lets it be executed.
    static func launch(
        _ order: LaunchOrder, instance: String, reserved: [Int32], folder: RunFolder
    ) throws(ShimError) -> ServerProcess {
        let output = try pipe(), report = try pipe(), go = try pipe()
        let nothing = try check("open /dev/null") { open("/dev/null", O_RDWR | O_CLOEXEC) }
        let startedAt = wallClock()
        let pid = try fork(order, input: nothing, output: output.write, go: go.read, report: report.write)
        for descriptor in [output.write, report.write, go.read, nothing] { close(descriptor) }
        do throws(ShimError) {
            try folder.write(try description(of: pid, instance, startedAt), to: "server.json")
        } catch {
            // The child sees the end of `go` and ends.
            close(go.write)
            throw error
        }
        // From here on the port is the server's to take; its own copies are closed when it is executed.
        for descriptor in reserved { close(descriptor) }
        var byte: UInt8 = 1
        _ = write(go.write, &byte, 1)
        close(go.write)
        return ServerProcess(pid: pid, startedAt: startedAt, output: output.read, report: report.read)
    }

    private static func description(
        of pid: Int32, _ instance: String, _ startedAt: Int64
    ) throws(ShimError) -> String {
        do throws(ProcFSError) {
            let ticks = try ProcFS.stat(pid).startTicks
            return "{\"protocol\":\(ShimArguments.protocolVersion),\"instance\":\"\(instance)\",\"pid\":\(pid),"
                + "\"start_ticks\":\(ticks),\"started_at\":\(startedAt)}\n"
        } catch {
            throw .system("read /proc/\(pid)/stat", errno: ENOENT)
        }
    }

    private static func pipe() throws(ShimError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        try check("pipe") { clinux_pipe(&ends) }
        return (ends[0], ends[1])
    }

    private static func fork(
        _ order: LaunchOrder, input: Int32, output: Int32, go: Int32, report: Int32
    ) throws(ShimError) -> Int32 {
        var server = clinux_server()
        let arguments = CStrings(order.arguments), environment = CStrings(order.environment)
        let paths = CStrings([order.executable, order.directory])
        defer {
            arguments.free()
            environment.free()
            paths.free()
        }
        server.executable = UnsafePointer(paths.pointers[0])
        server.directory = UnsafePointer(paths.pointers[1])
        server.arguments = UnsafePointer(arguments.pointers)
        server.environment = UnsafePointer(environment.pointers)
        (server.input, server.output, server.go, server.report) = (input, output, go, report)
        server.oom_score_adj = order.oomScore
        if let limit = order.descriptorLimit {
            server.has_descriptor_limit = true
            server.soft_descriptor_limit = limit.soft
            server.hard_descriptor_limit = limit.hard
        }
        return try (order.user?.groups ?? []).withUnsafeBufferPointer { groups throws(ShimError) -> Int32 in
            if let user = order.user {
                server.has_user = true
                server.user = user.user
                server.group = user.group
                server.groups = groups.baseAddress
                server.group_count = groups.count
            }
            return try check("fork") { clinux_fork_server(&server) }
        }
    }
}

/// A NULL-terminated array of C strings, as `execve` wants it.
private struct CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointers = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() { (pointers + index).initialize(to: strdup(string)) }
        (pointers + count).initialize(to: nil)
    }

    func free() {
        for index in 0..<count { Glibc.free(pointers[index]) }
        pointers.deallocate()
    }
}
