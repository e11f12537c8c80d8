import Glibc
import ModelCore
import Reconciler
import StateStore
import TestSupport

/// A state directory of a test's own.
struct State: Sendable {
    let parent: TemporaryDirectory
    let directory: StateDirectory
    static let uuid = "3f1d9a3e-5a0c-4c0d-8f65-8a4b1f0e7d21"

    init() throws {
        parent = try TemporaryDirectory()
        directory = StateDirectory(parent.path("state"))
    }

    func open(claim: Bool = true, uuid: String = uuid) throws(StoreError) -> SQLiteStore {
        try SQLiteStore.open(directory, claim: claim, newUUID: uuid, at: Sample.time(0))
    }

    /// A store with one model and one instance of it that has come as far as `phase`.
    func open(launchedTo phase: Phase) async throws -> SQLiteStore {
        let store = try open()
        try await store.accept([Sample.manifest()])
        try await store.launch(to: phase)
        return store
    }

    /// Runs the `sqlite3` program on the database, as a user would.
    func sql(_ statements: String) throws -> CommandResult {
        try sqlite3(directory.database, statements)
    }

    /// Kills a program in the midst of a transaction that has written to the database file already, and so leaves a
    /// rollback journal: more pages are changed than its cache holds.
    func leaveTransaction() throws {
        _ = try command(
            "sqlite3", directory.database, "PRAGMA journal_mode = DELETE", "PRAGMA cache_size = 1", "BEGIN",
            "CREATE TABLE unfinished (x)",
            """
            WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < 500)
            INSERT INTO unfinished SELECT randomblob(900) FROM count
            """,
            ".shell kill -KILL $PPID")
        guard access(directory.database + "-journal", F_OK) == 0 else {
            throw BrokenPromise(description: "no journal was left")
        }
    }

    /// What a query prints: rows on lines, columns parted by `|`.
    func query(_ statement: String) throws -> [String] {
        let result = try sql(statement)
        guard result.status == 0 else { throw BrokenPromise(description: result.output) }
        return result.output.split(separator: "\n").map(String.init)
    }
}

struct CommandResult: Equatable {
    var status: Int32
    /// Standard output and standard error together.
    var output: String
}

func sqlite3(_ database: String, _ statements: String) throws -> CommandResult {
    try command("sqlite3", "-cmd", ".timeout 10000", "-cmd", "PRAGMA foreign_keys = ON", database, statements)
}

/// Runs a program to its end.
func command(_ words: String...) throws -> CommandResult {
    guard let stream = popen(words.map(quoted).joined(separator: " ") + " 2>&1 </dev/null", "re") else {
        throw BrokenPromise(description: "cannot run \(words): \(String(cString: strerror(errno)))")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&chunk, 1, chunk.count, stream), count > 0 { bytes += chunk[..<count] }
    let status = pclose(stream)
    return CommandResult(status: (status >> 8) & 0xff, output: String(decoding: bytes, as: UTF8.self))
}

private func quoted(_ word: String) -> String {
    "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
}
