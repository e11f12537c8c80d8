internal import CLinux
internal import Glibc
internal import Synchronization

/// A program that a test starts and that ends with the test, even if the test is killed: it runs below a small shell that
/// waits at a pipe, whose other end only we have. Both have a session of their own: whoever kills a test run kills its
/// process group, which the shell must outlive.
package final class GuardedProgram: Sendable {
    /// What the program has written to its standard output and its standard error.
    package let outputPath: String
    private let guardian: Int32
    private let line: Int32
    private let isOver = Mutex(false)

    /// The shell starts the program without the pipe, so that the program's own children do not hold it either.
    private static let script = """
        trap : HUP INT TERM
        "$@" </dev/null & child=$!
        read -r _
        kill -TERM "$child" 2>/dev/null
        wait "$child"
        """

    /// - Parameters:
    ///   - command: the program, found in `PATH`, and its arguments.
    ///   - environment: what is added to the environment of the test.
    ///   - output: the file that the output is added to.
    package init(_ command: [String], environment: [String: String] = [:], output: String) throws(ProgramError) {
        var pipe: [Int32] = [0, 0]
        // Closed on exec from the beginning: a program that another test starts just now would hold it open.
        guard clinux_pipe(&pipe) == 0 else { throw ProgramError("no pipe: errno \(errno)") }
        defer { close(pipe[0]) }
        do throws(ProgramError) {
            guardian = try spawn(
                ["/bin/sh", "-c", Self.script, "sh"] + command, environment: environment, input: pipe[0],
                output: output, inOwnSession: true)
        } catch {
            close(pipe[1])
            throw error
        }
        line = pipe[1]
        outputPath = output
    }

    /// What it has written so far.
    package var output: String { contents(of: outputPath) }

    /// Ends it with SIGTERM and waits until it is gone. Blocks for as long as the program takes. Idempotent.
    package func end() {
        isOver.withLock { isOver in
            guard !isOver else { return }
            isOver = true
            close(line)
            // Nobody else reaps our children, so the pid is still its own.
            while waitpid(guardian, nil, 0) < 0 && errno == EINTR {}
        }
    }

    deinit { end() }
}

/// Why a program that a test needs did not do its work.
package struct ProgramError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// Where a program lies that would be found in `PATH`; `nil` where there is none.
package func installedProgram(_ name: String) -> String? {
    let directories = getenv("PATH").map { String(cString: $0) } ?? "/usr/sbin:/usr/bin:/sbin:/bin"
    return directories.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
}

/// Runs a program to its end, and returns what it wrote to its standard output and its standard error, in the order of
/// its writing. Throws, with that output, where its exit code is another than 0.
/// - Parameter scratch: a file that is overwritten with the output.
@discardableResult
package func runToEnd(
    _ command: [String], environment: [String: String] = [:], scratch: String
) async throws -> String {
    unlink(scratch)
    let child = try spawn(command, environment: environment, input: nil, output: scratch)
    var status: Int32 = 0
    while waitpid(child, &status, WNOHANG) == 0 { try await Task.sleep(for: .milliseconds(2)) }
    let output = contents(of: scratch)
    guard status == 0 else {
        throw ProgramError("\(command.joined(separator: " ")) ended with status \(status): \(output)")
    }
    return output
}

private func contents(of path: String) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = read(file, &chunk, chunk.count)
        if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
        bytes += chunk[..<count]
    }
}

/// `POSIX_SPAWN_SETSID`, which the C library shows to programs for GNU alone.
private let newSession: Int16 = 0x80

/// - Parameter input: what becomes its standard input; `nil`: nothing.
private func spawn(
    _ command: [String], environment: [String: String], input: Int32?, output: String, inOwnSession: Bool = false
) throws(ProgramError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input {
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    } else {
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
    // The last of several definitions of a name counts nowhere reliably: those that are replaced are left out.
    var variables = environment.map { "\($0.key)=\($0.value)" }
    var entry = environ
    while let pointer = entry.pointee {
        let assignment = String(cString: pointer)
        let name = assignment.prefix { $0 != "=" }
        if environment[String(name)] == nil { variables.append(assignment) }
        entry += 1
    }
    // Threads that run Swift's tasks block most signals, and a child would go on blocking them.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    let session: Int16 = inOwnSession ? newSession : 0
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | session)
    let arguments = command.map { strdup($0) } + [nil]
    let environmentBlock = variables.map { strdup($0) } + [nil]
    defer { (arguments + environmentBlock).forEach { free($0) } }
    var child: pid_t = 0
    let code = posix_spawnp(&child, command[0], &actions, &attributes, arguments, environmentBlock)
    guard code == 0 else { throw ProgramError("cannot run \(command[0]): \(String(cString: strerror(code)))") }
    return child
}
