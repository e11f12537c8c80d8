internal import Glibc

/// Finds the program that the first word of a command names, as `execvp` would in the server's own environment.
struct ExecutableSearch {
    private let folders: [String]
    private let directory: String

    /// Where programs are looked for when there is no `PATH` at all.
    private static let standardPath = "/usr/local/bin:/usr/bin:/bin"

    /// - Parameters:
    ///   - path: the server's `PATH`.
    ///   - directory: what relative names are relative to: the server's working directory.
    init(path: String?, directory: String) {
        self.directory = directory
        // An empty entry has always meant the working directory.
        folders = (path ?? Self.standardPath).split(separator: ":", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "." : String($0) }
    }

    /// An absolute path.
    func find(_ command: String) throws(LaunchProblem) -> String {
        if command.contains("/") { return try findFile(command) }
        var refused: String?
        for folder in folders {
            let candidate = absolute("\(folder)/\(command)")
            guard let isExecutable = Self.isExecutable(candidate) else { continue }
            if isExecutable { return candidate }
            refused = refused ?? candidate
        }
        if let refused { throw .terminal("\(refused) may not be executed; give it the permission (chmod +x)") }
        throw .terminal(
            "command not found: \(command)\(suggestion(for: command)); it is in none of the folders of PATH "
                + "(\(folders.joined(separator: ":")))")
    }

    private func findFile(_ command: String) throws(LaunchProblem) -> String {
        let path = absolute(command)
        switch Self.isExecutable(path) {
        case true?: return path
        case false?: throw .terminal("\(path) may not be executed; give it the permission (chmod +x)")
        case nil: throw .terminal("command not found: \(path) does not exist")
        }
    }

    private func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(directory)/\(path)" }

    /// `nil` where there is no such file.
    private static func isExecutable(_ path: String) -> Bool? {
        var info = stat()
        guard stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { return nil }
        return access(path, X_OK) == 0
    }

    /// Debian has no `python`, and people write it.
    private func suggestion(for command: String) -> String {
        let similar = command == "python" ? "python3" : command == "pip" ? "pip3" : nil
        guard let similar, folders.contains(where: { Self.isExecutable(absolute("\($0)/\(similar)")) == true })
        else { return "" }
        return " (there is \(similar))"
    }
}
