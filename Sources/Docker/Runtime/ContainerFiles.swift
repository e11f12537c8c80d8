internal import FoundationEssentials
internal import Glibc
internal import ModelCore
internal import ProcFS

/// The folder of one instance, `run/<id>`: what outlives its container. Every call blocks.
struct ContainerFiles: Sendable {
    let id: InstanceID
    let path: String

    init(runDirectory: String, id: InstanceID) {
        self.id = id
        path = "\(runDirectory)/\(id)"
    }

    private var logFile: String { "\(path)/server.log" }
    private var endFile: String { "\(path)/exit.json" }

    /// What is written there; fields of later versions are ignored.
    private struct End: Codable {
        var instance: String
        var exit: ExitRecord
    }

    /// Bytes: twenty lines of a thousand characters, and what JSON makes of them.
    private static let longestEnd = 512 * 1024

    /// How the instance ended, where that has been written down.
    func end() -> ExitRecord? {
        guard let bytes = try? readFile(endFile, limit: Self.longestEnd),
            let end = try? JSONDecoder().decode(End.self, from: Data(bytes)), end.instance == id.text
        else { return nil }
        return end.exit
    }

    /// The log of a container that is no more.
    func savedLog() -> [UInt8]? {
        try? readFile(logFile, limit: DockerRuntime.keptLog)
    }

    /// Writes down how the instance ended, so that a power cut after the return cannot take it away. The log first: where
    /// there is an end, there is all of it.
    func finish(_ record: ExitRecord, log: [UInt8]?) throws(SystemFailure) {
        let json: Data
        do {
            json = try JSONEncoder().encode(End(instance: id.text, exit: record))
        } catch {
            throw SystemFailure(endFile, errno: EINVAL)
        }
        for folder in [path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex), path[...]] {
            // Readable by us alone: logs may hold what users sent.
            if mkdir(String(folder), 0o700) != 0 && errno != EEXIST {
                throw SystemFailure("cannot create \(folder)", errno: errno)
            }
        }
        if let log { try write(log, logFile) }
        try write(Array(json), endFile)
        try synchronize(path)
    }

    /// Others see the file whole or not at all.
    private func write(_ bytes: [UInt8], _ path: String) throws(SystemFailure) {
        let unfinished = path + ".new"
        let file = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SystemFailure(path, errno: errno) }
        defer { close(file) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            if written < 0 { throw SystemFailure(path, errno: errno) }
            rest = rest.dropFirst(written)
        }
        guard fsync(file) == 0, rename(unfinished, path) == 0 else { throw SystemFailure(path, errno: errno) }
    }

    private func synchronize(_ folder: String) throws(SystemFailure) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemFailure(folder, errno: errno) }
        defer { close(descriptor) }
        if fsync(descriptor) != 0 { throw SystemFailure(folder, errno: errno) }
    }
}
