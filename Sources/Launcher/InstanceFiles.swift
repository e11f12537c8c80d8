internal import FoundationEssentials
internal import Glibc
internal import ModelCore
internal import ProcFS

/// The folder of one instance, `run/<id>`: what its shim writes (docs/shim-protocol.md) and the last seen tree.
struct InstanceFiles: Sendable {
    let id: InstanceID
    let path: String

    init(runDirectory: String, id: InstanceID) {
        self.id = id
        path = "\(runDirectory)/\(id)"
    }

    var log: String { "\(path)/server.log" }
    /// What the shim itself has to say: nothing, unless it fails.
    var shimLog: String { "\(path)/shim.log" }
    private var lockFile: String { "\(path)/shim.lock" }

    /// Creates the folder, readable by us alone: logs may hold what users sent.
    func create() throws(SystemFailure) {
        for folder in [path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex), path[...]] {
            if mkdir(String(folder), 0o700) != 0 && errno != EEXIST {
                throw SystemFailure("cannot create \(folder)", errno: errno)
            }
        }
    }

    /// Deletes the folder and the files in it; of no effect where there is none.
    func delete() {
        guard let folder = opendir(path) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != "." && name != ".." { unlink("\(path)/\(name)") }
        }
        closedir(folder)
        rmdir(path)
    }

    // MARK: Reports

    /// The server, once the shim has reported it; before its program is executed.
    func server() -> ServerProcess? {
        guard let report: ServerReport = report("server.json"), report.instance == id.text else { return nil }
        return ServerProcess(pid: report.pid, startTicks: report.startTicks)
    }

    /// How it ended, once nothing of it is left.
    func exit() -> ExitReport? {
        guard let report: ExitReport = report("exit.json"), report.instance == id.text else { return nil }
        return report
    }

    private func report<Report: Decodable>(_ name: String) -> Report? {
        guard let bytes = try? readFile("\(path)/\(name)", limit: Self.longestReport) else { return nil }
        return try? JSONDecoder().decode(Report.self, from: Data(bytes))
    }

    /// Bytes; reports take some 250.
    private static let longestReport = 64 * 1024

    // MARK: The lock

    enum LockState: Equatable {
        case free
        /// 0: the holder is in another pid namespace or on another host.
        case held(by: Int32)
        /// There is none: no shim has come so far.
        case none
        case unreadable(reason: String)
    }

    /// Whether a shim lives that has locked this folder.
    func lockState() -> LockState {
        let file = open(lockFile, O_RDWR | O_CLOEXEC)
        guard file >= 0 else {
            return errno == ENOENT ? .none : .unreadable(reason: "\(lockFile): \(systemMessage(errno))")
        }
        defer { close(file) }
        var lock = Glibc.flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        guard fcntl(file, F_GETLK, &lock) == 0 else {
            return .unreadable(reason: "\(lockFile): \(systemMessage(errno))")
        }
        return lock.l_type == Int16(F_UNLCK) ? .free : .held(by: max(lock.l_pid, 0))
    }
}

/// `server.json`.
private struct ServerReport: Decodable {
    var instance: String
    var pid: Int32
    var startTicks: UInt64

    private enum CodingKeys: String, CodingKey {
        case instance, pid
        case startTicks = "start_ticks"
    }
}

/// `exit.json`. Fields of later versions are ignored; those that may be missing are optional.
struct ExitReport: Decodable {
    var instance: String
    var kind: String
    var code: Int32?
    var signal: Int32?
    var errno: Int32?
    var step: Int32?
    var core: Bool?
    var error: String?
    var endedAt: Int64
    var stop: String?
    var leftovers: Int?

    private enum CodingKeys: String, CodingKey {
        case instance, kind, code, signal, errno, step, core, error, stop, leftovers
        case endedAt = "ended_at"
    }
}

/// Writes a file that others see whole or not at all.
func writeFile(_ path: String, _ text: String) throws(SystemFailure) {
    let unfinished = path + ".new"
    let file = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw SystemFailure(path, errno: errno) }
    defer { close(file) }
    try writeAll(Array(text.utf8), file, path)
    if rename(unfinished, path) != 0 { throw SystemFailure(path, errno: errno) }
}

func writeAll(_ bytes: [UInt8], _ file: Int32, _ path: String) throws(SystemFailure) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        if written < 0 && errno == EINTR { continue }
        if written < 0 { throw SystemFailure(path, errno: errno) }
        rest = rest.dropFirst(written)
    }
}
