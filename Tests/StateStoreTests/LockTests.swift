import Glibc
@testable import StateStore
import TestSupport
import Testing

@Suite struct LockTests {
    @Test func isHeldByOneAndNamesIt() throws {
        let state = try State()
        #expect(StateLock.holder(at: state.directory) == nil)
        do {
            let lock = try StateLock.acquire(at: state.directory)
            let holder = try #require(StateLock.holder(at: state.directory))
            #expect(holder.pid == getpid())
            #expect(holder.startTicks > 0)
            #expect(holder.command == CommandLine.arguments.joined(separator: " "))
            #expect(throws: StateLockError.held(pid: getpid(), command: holder.command)) {
                try StateLock.acquire(at: state.directory)
            }
            withExtendedLifetime(lock) {}
        }
        #expect(StateLock.holder(at: state.directory) == nil)
        _ = try StateLock.acquire(at: state.directory)
    }

    @Test func isNotInheritedByPrograms() throws {
        let state = try State()
        let lock = try StateLock.acquire(at: state.directory)
        let open = try command("ls", "-l", "/proc/self/fd").output
        #expect(open.contains("/dev/null"))
        #expect(!open.contains(state.directory.lock))
        withExtendedLifetime(lock) {}
    }

    @Test func isFreeOnceItsHolderIsKilled() throws {
        let state = try State()
        let holder = try OtherHolder(of: state.directory, named: true)
        #expect(throws: StateLockError.held(pid: holder.pid, command: "another modelet serve")) {
            try StateLock.acquire(at: state.directory)
        }
        #expect(StateLock.holder(at: state.directory)?.pid == holder.pid)
        holder.kill()
        #expect(StateLock.holder(at: state.directory) == nil)
        _ = try StateLock.acquire(at: state.directory)
    }

    @Test func isHeldEvenByWhoDoesNotSayWhoTheyAre() throws {
        let state = try State()
        let holder = try OtherHolder(of: state.directory, named: false)
        #expect(throws: StateLockError.held(pid: nil, command: "unknown")) {
            try StateLock.acquire(at: state.directory)
        }
        #expect(StateLock.holder(at: state.directory)?.pid == 0)
        holder.kill()
    }

    @Test func doesNotBelieveAFileThatNobodyHolds() throws {
        let state = try State()
        #expect(mkdir(state.directory.path, 0o700) == 0)
        let text = "pid: 1\nstart_ticks: 1\ncommand: long dead, and with a name longer than ours will be \(state)"
        #expect(try command("sh", "-c", "printf '\(text)' > '\(state.directory.lock)'").status == 0)
        #expect(StateLock.holder(at: state.directory) == nil)
        let lock = try StateLock.acquire(at: state.directory)
        #expect(StateLock.holder(at: state.directory)?.pid == getpid())
        #expect(try !command("cat", state.directory.lock).output.contains("long dead"))
        withExtendedLifetime(lock) {}
    }
}

/// Another process that holds a lock until it is killed.
private final class OtherHolder {
    let pid: Int32
    private var isRunning = true

    private static let program = """
        import fcntl, os, signal, struct, sys
        path, name = sys.argv[1], sys.argv[2]
        os.makedirs(os.path.dirname(path), 0o700)
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.fcntl(lock, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
        ticks = open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19]
        if name: os.write(lock, f"pid: {os.getpid()}\\nstart_ticks: {ticks}\\ncommand: {name}\\n".encode())
        os.write(1, b"held")
        signal.pause()
        """

    init(of directory: StateDirectory, named: Bool) throws {
        var pipe: [Int32] = [-1, -1]
        guard Glibc.pipe(&pipe) == 0 else { throw BrokenPromise(description: "no pipe") }
        for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(pipe[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, pipe[1], 1)
        defer { posix_spawn_file_actions_destroy(&actions) }

        let words = ["python3", "-c", Self.program, directory.lock, named ? "another modelet serve" : ""]
        var arguments = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var child: pid_t = 0
        let failure = posix_spawnp(&child, "python3", &actions, nil, &arguments, environ)
        close(pipe[1])
        guard failure == 0 else { throw BrokenPromise(description: "python3: \(String(cString: strerror(failure)))") }
        pid = child

        var word = [UInt8](repeating: 0, count: 4)
        let count = read(pipe[0], &word, word.count)
        guard count == 4 else {
            kill()
            throw BrokenPromise(description: "the other holder has ended by itself")
        }
    }

    /// Kills it and waits until it is gone.
    func kill() {
        guard isRunning else { return }
        isRunning = false
        Glibc.kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    deinit { kill() }
}
