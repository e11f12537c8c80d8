internal import Glibc
package import Testing

/// What some tests need of the machine beside Swift. Where it is not there such a test is skipped, and says why; in CI,
/// which sets `MODELET_REQUIRE_DOCKER=1`, it fails.
package enum Requirement: String, Sendable {
    /// ``PrivateEngine``.
    case engine
    /// ``PrivateRegistry``.
    case registry
    /// A web server in one program.
    case busybox
    /// The AWS CLI and moto, which plays the part of AWS.
    case aws

    /// Why it is not there, and what to do; `nil` where it is.
    package var obstacle: String? {
        get async {
            switch self {
            case .engine: await PrivateEngine.obstacle()
            case .registry: PrivateRegistry.obstacle
            case .busybox:
                installedProgram("busybox") == nil ? "`busybox` is missing: apt-get install busybox-static" : nil
            case .aws:
                ["aws", "moto_server"].first { clientProgram($0) == nil }.map {
                    "`\($0)` is missing: scripts/install-clients .build-tools/clients"
                }
            }
        }
    }

    /// Whether a test that lacks something is to fail rather than to be skipped.
    package static var isStrict: Bool {
        getenv("MODELET_REQUIRE_DOCKER").map { String(cString: $0) } == "1"
    }

    /// Whether everything is there. Where it is not, says what is missing, or throws where that has to be an error.
    package static func isMet(_ requirements: [Requirement]) async throws -> Bool {
        for requirement in requirements {
            guard let obstacle = await requirement.obstacle else { continue }
            let reason = "no \(requirement.rawValue) for the tests: \(obstacle)"
            if isStrict { throw ProgramError("\(reason) (MODELET_REQUIRE_DOCKER=1)") }
            // `scripts/run-tests` looks for this line.
            print("modelet-test: skipped: \(reason)")
            return false
        }
        return true
    }
}

extension Trait where Self == ConditionTrait {
    /// Runs the test only where these things are on this machine.
    package static func needs(_ requirements: Requirement...) -> Self {
        let names = requirements.map(\.rawValue).joined(separator: ", ")
        return .enabled("it needs: \(names)") { try await Requirement.isMet(requirements) }
    }
}

/// Where `scripts/install-clients` puts the programs that `Tests/clients/requirements.txt` brings.
package let clientFolder: String = {
    // This file lies two folders below the root.
    let parts = #filePath.split(separator: "/").dropLast(3)
    return "/" + parts.joined(separator: "/") + "/.build-tools/clients/bin"
}()

/// The path of such a program; `nil` where it is not there.
package func clientProgram(_ name: String) -> String? {
    let installed = clientFolder + "/" + name
    return access(installed, X_OK) == 0 ? installed : installedProgram(name)
}
