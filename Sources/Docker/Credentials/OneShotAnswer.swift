/// The answer of a program of the host's own that tells nothing secret, such as `systemctl`.
package enum OneShotAnswer {
    /// What it writes to its output, within ``timeLimit``; `nil` where it is not there, fails, or takes too long.
    package static func of(_ name: String, _ arguments: [String], environment: [String: String]) async -> String? {
        let program = OneShotProgram(
            name: name, arguments: arguments, environment: environment, timeLimit: timeLimit)
        guard let ending = try? await program.run(), ending.code == 0 else { return nil }
        return ending.output
    }

    /// It asks something on this host.
    private static let timeLimit: Duration = .seconds(5)
}
