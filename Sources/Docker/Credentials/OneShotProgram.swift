internal import CLinux
internal import Glibc
internal import Subprocess
internal import SystemPackage

/// A program that is run to its end for what it says: a credential helper, the AWS CLI.
///
/// What it says is a secret until somebody has looked at it; so nothing here goes into an error or a log.
struct OneShotProgram: Sendable {
    /// Looked up in the `PATH` of ``environment``.
    var name: String
    var arguments: [String]
    var environment: [String: String]
    /// At most ``longestInput``, which is there as the program begins: it may end without having read it.
    var input = ""
    /// After this it is killed, and with it everything in its process group.
    var timeLimit: Duration

    struct Ending: Sendable {
        /// The exit code; for a program that a signal ended, 128 and the signal, as a shell has it.
        var code: Int32
        var output: String
        var errors: String
    }

    enum Failure: Error, Hashable, Sendable {
        case notInstalled
        /// It ran for longer than ``timeLimit``, or nobody waits for it any more.
        case timedOut
        /// It wrote more than ``OneShotProgram/longestOutput``.
        case talkedTooMuch
        case notStarted
    }

    /// Bytes that are read of each of its two outputs. A token of ECR has some 2,000.
    static let longestOutput = 64 * 1024

    /// Bytes that a pipe takes at once, whoever reads it and when.
    static let longestInput = 4096

    /// Runs it, in a process group of its own. Whatever becomes of it, it is gone when this returns.
    func run() async throws(Failure) -> Ending {
        let result = await withTaskGroup(of: Result<Ending, Failure>.self) { group in
            group.addTask { await finish() }
            group.addTask {
                // Woken early when the program has ended: what it answers then, nobody reads.
                try? await Task.sleep(for: timeLimit)
                return .failure(.timedOut)
            }
            let first = await group.next() ?? .failure(.timedOut)
            group.cancelAll()
            return first
        }
        return try result.get()
    }

    private func finish() async -> Result<Ending, Failure> {
        do {
            guard let input = filledPipe() else { return .failure(.notStarted) }
            let ended = try await Subprocess.run(
                .name(name), arguments: Arguments(arguments), environment: passed, platformOptions: options,
                input: .fileDescriptor(input, closeAfterSpawningProcess: true),
                output: .string(limit: Self.longestOutput), error: .string(limit: Self.longestOutput))
            let code: Int32 =
                switch ended.terminationStatus {
                case .exited(let code): code
                case .signaled(let signal): 128 + signal
                }
            return .success(Ending(code: code, output: ended.standardOutput, errors: ended.standardError))
        } catch let error as SubprocessError {
            // Its description may quote the environment.
            switch error.code {
            case .executableNotFound: return .failure(.notInstalled)
            case .outputLimitExceeded: return .failure(.talkedTooMuch)
            default: return .failure(.notStarted)
            }
        } catch {
            return .failure(.timedOut)
        }
    }

    /// The end of a pipe from which ``input`` can be read. Writing while the program runs would raise SIGPIPE where it
    /// does not read.
    private func filledPipe() -> FileDescriptor? {
        let bytes = Array(input.utf8)
        var ends: [Int32] = [-1, -1]
        guard bytes.count <= Self.longestInput, clinux_pipe(&ends) == 0 else { return nil }
        defer { close(ends[1]) }
        guard write(ends[1], bytes, bytes.count) == bytes.count else {
            close(ends[0])
            return nil
        }
        return FileDescriptor(rawValue: ends[0])
    }

    private var options: PlatformOptions {
        var options = PlatformOptions()
        // A Ctrl-C in modelet's terminal is modelet's to handle; and what the program started ends with it.
        options.processGroupID = 0
        options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)]
        return options
    }

    private var passed: Environment {
        // A name that begins with a digit is no variable to any shell, and the library refuses the whole of it.
        let variables = environment.filter { !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0.key.utf8.first ?? 0) }
        let keyed = variables.compactMap { variable in
            Environment.Key(rawValue: variable.key).map { ($0, variable.value) }
        }
        return .custom(Dictionary(keyed) { first, _ in first })
    }
}
