internal import Glibc
internal import Synchronization

/// A registry of a test's own (Debian's `docker-registry`) on the loopback, which engines ask without TLS; ended, and its
/// images deleted, with the last reference to it.
package final class PrivateRegistry: Sendable {
    /// Who is let in. Passwords are known to the registry as hashes, which nothing at hand here can compute.
    package struct Account: Sendable {
        package let name: String
        package let password: String
        fileprivate let hash: String

        package static let modelet = Account(
            name: "modelet", password: "s3cret",
            hash: "$2b$04$2a08sAbKVp2MMJ2DBkIwUO/1ibg8ZyZ9FDKlgmSEeDWYpCZ1IrQlG")
        /// The same user after a change of the password.
        package static let changed = Account(
            name: "modelet", password: "changed",
            hash: "$2b$04$TthFX2TMxz/tSSHMHnvOzeZE1M2shSl4kUE/6pJ696ZI.C7wNI1Tu")
        /// Whom moto's ECR gives tokens for, in its account 123456789012.
        package static let ecr = Account(
            name: "AWS", password: "123456789012-auth-token",
            hash: "$2b$04$TLh7ZbEKY0fToSPulNLS7eQVbii.XN/2cjLyHOH/ovHplD83W2KWC")
    }

    private let directory: TemporaryDirectory
    private let account: Account?
    private let program: Mutex<GuardedProgram?>
    package let port: Int

    /// As image references have it.
    package var host: String { "127.0.0.1:\(port)" }

    /// Why there can be no registry on this host, and what to do; `nil` where there can.
    package static var obstacle: String? {
        installedProgram(programName) == nil ? "`docker-registry` is missing: apt-get install docker-registry" : nil
    }

    private static let programName = "docker-registry"

    /// Starts it and waits until it answers.
    /// - Parameter account: who is let in; `nil`: everybody.
    package init(account: Account? = nil) async throws {
        directory = try TemporaryDirectory()
        self.account = account
        if let account { try Self.write("\(account.name):\(account.hash)\n", to: directory.path("htpasswd")) }
        let first = try Self.start(in: directory, port: 0, hasAccounts: account != nil)
        port = try await Self.port(of: first)
        program = Mutex(first)
    }

    /// What it has been asked so far, oldest first: `GET /v2/team/model/manifests/1`. A request is there once it has been
    /// answered.
    package var requests: [String] {
        // One line of the common log format each: address, user, time, "METHOD PATH HTTP/1.1", status …
        let log = program.withLock { $0?.output } ?? ""
        return log.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("127.0.0.1 - ") else { return nil }
            let quoted = line.split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
            return quoted.count == 3 ? quoted[1].split(separator: " ").prefix(2).joined(separator: " ") : nil
        }
    }

    /// How many requests it has refused for a wrong name or password, rather than for none at all.
    package var refusals: Int {
        let log = program.withLock { $0?.output } ?? ""
        return log.split(separator: "\n").count { $0.contains("error authenticating user") }
    }

    /// Lets other people in from now on, and nobody else. Only where it has let in nobody but an account.
    package func admit(_ account: Account) throws {
        // It reads the file again where the time of its change differs; so that is made sure of.
        try Self.write("\(account.name):\(account.hash)\n", to: directory.path("htpasswd"))
        let modified = timespec(tv_sec: time(nil) + Int.random(in: 1...1_000_000), tv_nsec: 0)
        guard utimensat(AT_FDCWD, directory.path("htpasswd"), [modified, modified], 0) == 0 else {
            throw ProgramError("cannot date the accounts: errno \(errno)")
        }
    }

    /// Ends it; its images stay. Idempotent. Blocks until it is gone.
    package func stop() {
        program.withLock { running in
            running?.end()
            running = nil
        }
    }

    /// Starts it again after ``stop()``, on the same port, and waits until it answers.
    package func restart() async throws {
        let again = try Self.start(in: directory, port: port, hasAccounts: account != nil)
        program.withLock { $0 = again }
        _ = try await Self.port(of: again)
    }

    // MARK: - The program

    private static func start(
        in directory: TemporaryDirectory, port: Int, hasAccounts: Bool
    ) throws -> GuardedProgram {
        let configuration = directory.path("config.yml")
        var lines = [
            "version: 0.1", "storage:", "  filesystem:", "    rootdirectory: \(directory.path("data"))",
            "  delete:", "    enabled: true", "http:", "  addr: 127.0.0.1:\(port)",
        ]
        if hasAccounts {
            lines += ["auth:", "  htpasswd:", "    realm: modelet", "    path: \(directory.path("htpasswd"))"]
        }
        try write(lines.joined(separator: "\n") + "\n", to: configuration)
        let log = directory.path("log.\(UInt64.random(in: 0 ... .max))")
        return try GuardedProgram([programName, "serve", configuration], output: log)
    }

    /// The port that it says it listens on, once it does.
    private static func port(of program: GuardedProgram) async throws -> Int {
        let marker = "listening on 127.0.0.1:"
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let log = program.output
            if let line = log.split(separator: "\n").first(where: { $0.contains(marker) }),
                let start = line.firstRange(of: marker)?.upperBound,
                let port = Int(line[start...].prefix(while: \.isNumber))
            {
                return port
            }
            guard ContinuousClock.now < deadline, !log.contains("level=fatal") else {
                throw ProgramError("the registry does not start: \(log)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private static func write(_ text: String, to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw ProgramError("cannot write \(path): errno \(errno)") }
        defer { close(file) }
        guard Glibc.write(file, text, text.utf8.count) == text.utf8.count else {
            throw ProgramError("cannot write \(path): errno \(errno)")
        }
    }
}
