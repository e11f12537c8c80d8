import Glibc
import TestSupport

/// A program that a test runs: its output goes to files, and it is ended with the test.
final class ChildProcess: Sendable {
    let pid: Int32
    private let outputPath: String
    private let errorPath: String

    /// - Parameter output: the path, without its ending, of the files that standard output and error are written to.
    init(_ arguments: [String], environment: [String: String] = [:], output: String) throws {
        outputPath = output + ".out"
        errorPath = output + ".err"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let create = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, outputPath, create, 0o600)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errorPath, create, 0o600)

        var variables = Self.inheritedEnvironment()
        variables.merge(environment) { $1 }
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var child: pid_t = 0
        let code = posix_spawnp(&child, arguments[0], &actions, nil, &argv, &envp)
        guard code == 0 else { throw HarnessError("cannot run \(arguments[0]): \(String(cString: strerror(code)))") }
        pid = child
    }

    /// The test's own environment, less what would configure modelet, Docker and the AWS CLI.
    private static func inheritedEnvironment() -> [String: String] {
        // Whatever engine this machine has is not the tests': who wants one says which.
        var result = ["DOCKER_HOST": "unix:///nonexistent/no-engine-of-the-tests.sock"]
        var entry = environ
        while let pointer = entry.pointee {
            let pair = String(cString: pointer).split(separator: "=", maxSplits: 1).map(String.init)
            if pair.count == 2, !["MODELET_", "AWS_", "DOCKER_"].contains(where: pair[0].hasPrefix) {
                result[pair[0]] = pair[1]
            }
            entry += 1
        }
        return result
    }

    var output: String { readFile(outputPath) }
    var errors: String { readFile(errorPath) }

    func signal(_ number: Int32) { kill(pid, number) }

    /// Waits for the end. Returns the exit code, or 128 and the signal as shells do.
    @discardableResult
    func exitStatus(within limit: Duration = .seconds(60)) async throws -> Int32 {
        var status: Int32 = 0
        try await eventually("process \(pid) ends", within: limit) {
            waitpid(self.pid, &status, WNOHANG) == self.pid
        }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }
}

struct HarnessError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

func readFile(_ path: String) -> String {
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

/// The program that a process executes; empty where there is no such process.
func executable(_ pid: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/\(pid)/exe", &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(count, 0)).map(UInt8.init(bitPattern:)), as: UTF8.self)
}

/// Whether a process runs: a zombie does not.
func isRunning(_ pid: Int32) -> Bool {
    let stat = readFile("/proc/\(pid)/stat")
    guard let end = stat.lastIndex(of: ")") else { return false }
    return !stat[end...].hasPrefix(") Z")
}
