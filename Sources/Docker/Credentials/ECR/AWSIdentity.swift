internal import Glibc

/// Who the AWS CLI would be taken for, as far as that can be told without asking it: when this differs, a token that was
/// obtained before may be somebody else's.
struct AWSIdentity: Hashable, Sendable {
    /// Of the process's own seed: it means nothing outside of it, and nothing can be made of it.
    private let hash: Int

    /// Looks at the time stamps of two files.
    init(environment: [String: String], home: String?) {
        var hasher = Hasher()
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("AWS_") {
            hasher.combine(name)
            hasher.combine(value)
        }
        for (variable, file) in [("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config")] {
            let path = environment[variable] ?? home.map { "\($0)/.aws/\(file)" }
            hasher.combine(path.flatMap(Self.version))
        }
        hash = hasher.finalize()
    }

    /// When a file was last changed, and which one it is; `nil` where there is none.
    private static func version(of path: String) -> [Int]? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, Int(truncatingIfNeeded: status.st_ino)]
    }
}
