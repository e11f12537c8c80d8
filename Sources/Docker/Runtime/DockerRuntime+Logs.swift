internal import Glibc
package import ModelCore
internal import Ports
internal import Reconciler

/// What containers write.
extension DockerRuntime {
    /// How much of a container's log outlives it, in bytes.
    static let keptLog = 1024 * 1024
    /// … and in lines, which is what the engine counts.
    private static let keptLines = 20_000
    /// How long the log of an ended container may take to read.
    private static let logPatience = Duration.seconds(20)

    /// The end of what an ended container wrote, at most ``keptLog``. Throws where the engine is to be asked again; a log
    /// that cannot be read is as long as it could be read.
    func lastWords(of container: String) async throws(EngineError) -> [UInt8] {
        let text = LogEnd(limit: Self.keptLog)
        do throws(EngineError) {
            try await within(Self.logPatience, "GET /containers/\(container)/logs") { () async throws(EngineError) in
                for try await chunk in try await self.engine.logs(container, tail: Self.keptLines) {
                    text.append(chunk.bytes)
                }
            }
        } catch .refused, .malformed {
            // A driver that keeps nothing, or a damaged file: neither gets better.
        } catch {
            // An engine that is there and does not come to the log's end is not asked for ever.
            _ = try await engine.ping()
        }
        return text.bytes
    }

    package func logTail(of instance: InstanceRecord) async -> [String] {
        let files = files(of: instance.id)
        if let saved = await blocking({ files.savedLog() }) { return LogLines.last(of: saved[...]) }
        let name = instance.containerID ?? ContainerLabels.containerName(of: instance.id)
        let lines = try? await engine.logTail(name, lines: ExitRecord.longestLogTail)
        return (lines ?? []).map(LogLines.printable)
    }
}
