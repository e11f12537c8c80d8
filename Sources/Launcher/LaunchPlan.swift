internal import Glibc
internal import ModelCore
internal import Ports
internal import ProcFS

/// Everything that launching one instance needs, looked up and checked: executing it can only fail for reasons that
/// arise meanwhile.
struct LaunchPlan {
    var executable: String
    var arguments: [String]
    /// `NAME=value`.
    var environment: [String]
    var directory: String
    var user: ServerUser?

    /// Blocks: looks at the disk and, where a user is named, at the user database. A thrown failure says what to do.
    /// - Parameter inherited: the environment of the daemon.
    init(_ instance: InstanceRecord, _ spec: LocalArtifactSpec, inherited: [String: String]) throws(LaunchProblem) {
        try Self.checkDirectory(spec.path)
        let variables = try ServerEnvironment(instance, spec, inherited: inherited)
        do throws(StartupCommandError) {
            arguments = try StartupCommand(spec.startupCommand).words(variables.commandValues)
        } catch {
            throw .terminal("startup_command: \(error.message)\(error.hint.map { "; \($0)" } ?? "")")
        }
        executable = try ExecutableSearch(path: variables.values["PATH"], directory: spec.path).find(arguments[0])
        environment = variables.assignments
        directory = spec.path
        user = try spec.user.map { name throws(LaunchProblem) in try ServerUser(named: name) }
    }

    private static func checkDirectory(_ path: String) throws(LaunchProblem) {
        var info = stat()
        guard stat(path, &info) == 0 else {
            switch errno {
            case ENOENT, ENOTDIR:
                throw .terminal("path \(path) does not exist; put the model's files there or correct `path`")
            case let code:
                throw .terminal("path \(path) cannot be entered: \(systemMessage(code))")
            }
        }
        guard info.st_mode & S_IFMT == S_IFDIR else {
            throw .terminal("path \(path) is not a folder; `path` names the folder in which the command is started")
        }
    }
}

/// Why an instance cannot be launched, as far as only the launcher knows.
enum LaunchProblem: Error {
    case terminal(String)
    case retryable(String)

    init(_ error: PortError) {
        switch error {
        case .terminal(let message): self = .terminal(message)
        case .retryable(let message): self = .retryable(message)
        }
    }

    func failure(at time: Timestamp) -> LoadFailure {
        switch self {
        case .terminal(let message): LoadFailure(.terminal, message, at: time)
        case .retryable(let message): LoadFailure(.retryable, message, at: time)
        }
    }
}
