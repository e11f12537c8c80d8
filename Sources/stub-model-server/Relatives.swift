internal import Glibc

/// The other processes that this one starts: itself again, with other arguments.
enum Relatives {
    /// Starts a process that ignores SIGTERM and stays. Its pid, or `nil`.
    static func startGrandchild(_ options: Options, listener: Int32?) -> Int32? {
        // What is not close-on-exec is inherited.
        if let listener, options.grandchildListens { _ = fcntl(listener, F_SETFD, 0) }
        return spawn(
            ["--grandchild"], newSession: options.grandchildSetsid,
            environment: options.grandchildOwnEnvWiped ? [] : inherited)
    }

    /// Starts this program again without `--daemonize`, in a session of its own.
    static func continueInBackground() {
        let arguments = CommandLine.arguments.dropFirst().filter { $0 != "--daemonize" }
        say("daemon \(spawn(arguments, newSession: true, environment: inherited) ?? -1)\n")
    }

    static var inherited: [String] {
        var assignments: [String] = []
        var next = environ
        while let assignment = next.pointee {
            assignments.append(String(cString: assignment))
            next += 1
        }
        return assignments
    }

    private static func spawn(_ arguments: [String], newSession: Bool, environment: [String]) -> Int32? {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // POSIX_SPAWN_SETSID, which glibc hides from strict C.
        if newSession { posix_spawnattr_setflags(&attributes, 0x80) }
        let words = ([CommandLine.arguments[0]] + arguments).map { strdup($0) } + [nil]
        let assignments = environment.map { strdup($0) } + [nil]
        defer { (words + assignments).forEach { free($0) } }
        var pid: pid_t = 0
        return posix_spawn(&pid, "/proc/self/exe", nil, &attributes, words, assignments) == 0 ? pid : nil
    }
}
