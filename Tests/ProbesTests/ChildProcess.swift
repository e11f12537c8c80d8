import Foundation
import Glibc
import Testing

/// A real child of the test, killed and reaped when nobody refers to it any more.
final class ChildProcess: Sendable {
    let pid: Int32
    private let input: Int32
    private let output: Int32

    struct SpawnError: Error {
        let code: Int32
    }

    init(_ command: [String], environment: [String] = ["PATH=/usr/local/bin:/usr/bin:/bin"]) throws {
        var toChild: [Int32] = [0, 0]
        var fromChild: [Int32] = [0, 0]
        guard pipe(&toChild) == 0, pipe(&fromChild) == 0 else { throw SpawnError(code: errno) }
        for descriptor in toChild + fromChild { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
        var child: pid_t = 0
        let arguments = command.map { strdup($0) } + [nil]
        let variables = environment.map { strdup($0) } + [nil]
        let code = posix_spawnp(&child, command[0], &actions, nil, arguments, variables)
        for text in arguments + variables { free(text) }
        posix_spawn_file_actions_destroy(&actions)
        close(toChild[0])
        close(fromChild[1])
        guard code == 0 else {
            close(toChild[1])
            close(fromChild[0])
            throw SpawnError(code: code)
        }
        pid = child
        input = toChild[1]
        output = fromChild[0]
    }

    /// A Python program that ends with us, whatever happens.
    static func python(_ program: String, _ arguments: String...) throws -> ChildProcess {
        let guardian = "import ctypes; ctypes.CDLL(None).prctl(1, 9)\n"
        return try ChildProcess(["python3", "-u", "-c", guardian + program] + arguments)
    }

    deinit {
        // Nobody else reaps our children, so the pid is still its own.
        kill(pid, SIGKILL)
        while waitpid(pid, nil, 0) < 0 && errno == EINTR {}
        close(input)
        close(output)
    }

    /// Waits until it has ended, without reaping it: it is a zombie then.
    func waitUntilZombie() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR {}
    }

    /// The next line that it prints; empty at the end.
    func line() async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: self.readLine()) }
        }
    }

    func number() async throws -> Int {
        let line = await line()
        return try #require(Int(line), "printed \(line)")
    }

    func write(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = Glibc.write(input, bytes, bytes.count)
    }

    func readLine() -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(output, &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
        return String(decoding: line, as: UTF8.self)
    }
}
