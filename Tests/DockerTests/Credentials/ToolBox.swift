import Glibc
import Logging
import ModelCore
import Synchronization
import TestSupport

@testable import Docker

/// Programs of a test's own, in a `PATH` of its own, and a home directory.
final class ToolBox: Sendable {
    let directory: TemporaryDirectory
    let log = Log()
    let time = ManualTime()

    var home: String { directory.path("home") }

    init() throws {
        directory = try TemporaryDirectory()
        for folder in ["bin", "home", "home/.docker", "home/.aws"] { mkdir(directory.path(folder), 0o700) }
    }

    func path(_ name: String) -> String { directory.path(name) }

    /// Puts a shell script into the `PATH`. In it, `$box` is the directory of the tool box.
    func install(_ name: String, _ script: String) throws {
        let path = directory.path("bin/\(name)")
        try write("#!/bin/sh\nbox='\(directory.path)'\n\(script)\n", to: "bin/\(name)")
        guard chmod(path, 0o755) == 0 else { throw Failure(what: "chmod \(path)") }
    }

    func remove(_ name: String) { unlink(directory.path("bin/\(name)")) }

    /// Writes a file as a whole: a reader sees the old one or the new one.
    func write(_ text: String, to name: String) throws {
        let path = directory.path(name)
        guard let file = fopen("\(path).new", "we") else { throw Failure(what: "open \(path)") }
        fputs(text, file)
        fclose(file)
        guard rename("\(path).new", path) == 0 else { throw Failure(what: "rename \(path)") }
    }

    /// What is in a file; nothing where there is none.
    func read(_ name: String) -> String {
        (try? SmallFile.read(directory.path(name), limit: 1 << 22)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    func lines(_ name: String) -> [String] { read(name).split(separator: "\n").map(String.init) }

    /// - Parameter variables: beside the `PATH`.
    func environment(_ variables: [String: String] = [:]) -> [String: String] {
        ["PATH": "\(directory.path("bin")):/usr/bin:/bin"].merging(variables) { $1 }
    }

    func credentials(_ variables: [String: String] = [:], limits: CredentialLimits = .generous) -> HostCredentials {
        let (log, time) = (log, time)
        return HostCredentials(
            environment: environment(variables), home: home, now: { time.now() },
            logger: Logger(label: "test") { _ in log }, limits: limits)
    }

    struct Failure: Error {
        let what: String
    }
}

extension CredentialLimits {
    /// For programs that are expected to end by themselves, on however slow a machine.
    static let generous = CredentialLimits(helper: .seconds(120), cli: .seconds(120))
}

extension ToolBox {
    /// Everything that was logged, as text.
    final class Log: LogHandler {
        private let recorded = Mutex<[String]>([])

        var text: String { recorded.withLock { $0.joined(separator: "\n") } }
        var count: Int { recorded.withLock(\.count) }

        var logLevel: Logger.Level {
            get { .trace }
            set {}
        }
        var metadata: Logger.Metadata {
            get { [:] }
            set {}
        }
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { nil }
            set {}
        }

        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            recorded.withLock { $0.append("\(event.level) \(event.message) \(metadata.joined(separator: " "))") }
        }
    }
}

extension ToolBox {
    /// Waits until `condition` holds; fails where that takes longer than any machine needs.
    static func eventually(_ what: String, _ condition: () throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try !condition() {
            guard ContinuousClock.now < deadline else { throw Failure(what: "in vain: \(what)") }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Whether a process is there, and no zombie.
    static func isRunning(_ pid: Int32) -> Bool {
        guard let stat = try? SmallFile.read("/proc/\(pid)/stat", limit: 4096) else { return false }
        let state = String(decoding: stat, as: UTF8.self).split(separator: ")").last?.dropFirst().first
        return state != nil && state != "Z" && state != "X"
    }

    /// The error that `body` throws; `nil` for none.
    static func error(_ body: () async throws -> Void) async throws -> CredentialError? {
        do {
            try await body()
            return nil
        } catch let error as CredentialError {
            return error
        }
    }

    static func base64(_ text: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bytes = Array(text.utf8)
        var result = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                result.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : "=")
            }
        }
        return result
    }
}
