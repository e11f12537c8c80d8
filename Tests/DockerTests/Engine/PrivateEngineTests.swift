import Glibc
import Synchronization
import TestSupport
import Testing

/// The engine of the tests leaves nothing behind, also where a run of them is cut off.
@Suite("The tests' own engine", .needs(.engine), .timeLimit(.minutes(5)))
struct PrivateEngineTests {
    /// When the run is killed.
    enum Moment: String, CaseIterable {
        /// Its pid has just been noted; it need not be `dockerd` yet.
        case starting
        case up
    }

    @Test("ends with the tests, even if their whole process group is killed", arguments: Moment.allCases)
    func killedRun(_ moment: Moment) async throws {
        let directory = try TemporaryDirectory()
        let run = try TestRun(output: directory.path("out"))
        let scratch = "/tmp/modelet-dk\(run.pid)"
        try await eventually("it is \(moment)", within: .seconds(120)) {
            switch moment {
            case .starting: !text(scratch + "/dockerd.pid").isEmpty
            case .up: text(directory.path("out")).hasPrefix("up: ")
            }
        }
        let engine = try #require(Int32(text(scratch + "/dockerd.pid").filter(\.isNumber)))
        run.kill()
        // Not a moment earlier: the engine is to end with the run.
        try await eventually("nothing of it is left", within: .seconds(120)) {
            !processes(naming: scratch + "/") && access(scratch, F_OK) != 0
                && access("/sys/class/net/mdk\(run.pid)", F_OK) != 0
        }
        #expect(!text("/proc/\(engine)/cmdline").contains(scratch))
    }
}

/// A test run of its own process group, as a terminal or a runner of CI would start it.
private final class TestRun: Sendable {
    let pid: Int32
    private let isOver = Mutex(false)

    init(output: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT, 0o600)
        // Whoever waits for the end of our own output does not wait for it.
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        let own = try #require(realpath("/proc/self/exe", nil))
        defer { free(own) }
        let path = String(cString: own)
        let program = path[..<(path.lastIndex(of: "/") ?? path.startIndex)] + "/engine-driver"
        let arguments = [strdup(String(program)), nil]
        defer { arguments.forEach { free($0) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, String(program), &actions, &attributes, arguments, environ)
        guard code == 0 else { throw ProgramError("cannot run \(program): \(String(cString: strerror(code)))") }
        pid = child
    }

    /// Kills all of the group. Idempotent.
    func kill() {
        isOver.withLock { isOver in
            guard !isOver else { return }
            isOver = true
            Glibc.kill(-pid, SIGKILL)
            // Nobody else reaps our children, so the pid is still its own.
            while waitpid(pid, nil, 0) < 0 && errno == EINTR {}
        }
    }

    deinit { kill() }
}

/// Whether a process that lives has this in its command.
private func processes(naming name: String) -> Bool {
    guard let entries = opendir("/proc") else { return true }
    defer { closedir(entries) }
    while let entry = readdir(entries) {
        let pid = withUnsafePointer(to: entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        // Of a zombie it is empty.
        if Int32(pid) != nil, text("/proc/\(pid)/cmdline").contains(name) { return true }
    }
    return false
}

private func text(_ path: String) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 64 * 1024)
    let count = read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
}
