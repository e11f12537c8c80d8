internal import ModelCore

/// What a manifest says in `registry_auth`: `${env:NAME}` or `${file:PATH}` for `user:password`, or the user in letters
/// and the password as a reference, `robot:${file:/run/secrets/registry}`.
struct GivenAuth: Sendable {
    let text: String
    /// The daemon's own.
    let environment: [String: String]

    /// Bytes: a user name and a password, or an OAuth token.
    private static let longestFile = 64 * 1024

    func resolve(for registry: RegistryName) throws(CredentialError) -> RegistryAuth {
        let resolved: String
        do throws(EnvironmentValueError) {
            resolved = try EnvironmentValue(text).resolve(
                values: [:], env: { environment[$0] }, file: { path throws(UnreadableFile) in try contents(of: path) })
        } catch {
            throw .terminal("`registry_auth`: \(error.message)")
        }
        guard let pair = UserAndPassword(resolved), !pair.password.isEmpty else {
            throw .terminal("`registry_auth`: what it refers to is not of the form user:password")
        }
        return pair.auth(server: registry.server)
    }

    private func contents(of path: String) throws(UnreadableFile) -> String {
        do throws(SmallFile.Failure) {
            return String(decoding: try SmallFile.read(path, limit: Self.longestFile), as: UTF8.self)
        } catch {
            throw UnreadableFile(reason: error.reason)
        }
    }
}
