/// A version of the Engine API, such as `1.41`.
package struct APIVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var major: Int
    package var minor: Int

    package init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// - Parameter text: `1.41`; `nil` for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]), major >= 0, minor >= 0 else {
            return nil
        }
        self.init(major, minor)
    }

    package var description: String { "\(major).\(minor)" }

    package static func < (a: APIVersion, b: APIVersion) -> Bool { (a.major, a.minor) < (b.major, b.minor) }

    /// The newest that we know (Docker 27); also what is spoken with every newer engine. Docker 29 knows none before 1.44.
    package static let ours = APIVersion(1, 47)
    /// Docker 19.03 (2019): the oldest that knows what containers are created with here.
    package static let oldest = APIVersion(1, 40)
}

/// An engine's answer to a ping.
package struct EnginePing: Hashable, Sendable {
    /// The newest API that it speaks.
    package var apiVersion: APIVersion
    package var isPodman: Bool
}

/// An engine's own word on what it is.
package struct EngineVersion: Hashable, Sendable {
    /// `20.10.24`.
    package var version: String
    package var apiVersion: String
    package var oldestAPIVersion: String
    package var operatingSystem: String
    package var architecture: String
    package var kernel: String
    package var isPodman: Bool
}

/// An engine's own word on where it runs.
package struct EngineInfo: Hashable, Sendable {
    /// The engine's own id; changes where it was set up anew, and with podman each time.
    package var id: String
    package var isPodman: Bool
    /// The name of its host.
    package var hostName: String
    /// `Debian GNU/Linux 12 (bookworm)`, `Docker Desktop`.
    package var operatingSystem: String
    package var kernel: String
    package var architecture: String
    package var rootDirectory: String
    /// `overlay2`, …
    package var storageDriver: String
    /// `1` or `2`; empty where it does not say.
    package var cgroupVersion: String
    /// `rootless`, `userns`, `seccomp`, …
    package var securityOptions: [String]
    /// The names of the runtimes that containers can have: `runc`, `nvidia`, sorted.
    package var runtimes: [String]
    /// Whether containers outlive the engine.
    package var hasLiveRestore: Bool
    /// In bytes.
    package var memory: Int64
    package var processors: Int

    package var isRootless: Bool { securityOptions.contains("rootless") }
}
