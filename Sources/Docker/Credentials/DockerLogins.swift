internal import ModelCore

/// The credentials that `docker` itself would use. Nothing is kept: a `docker login` counts from the next pull on.
struct DockerLogins: Sendable {
    let environment: [String: String]
    let home: String?
    var helperTimeLimit: Duration = CredentialHelper.timeLimit

    /// Bytes.
    private static let longestFile = 4 * 1024 * 1024

    func auth(for host: String, given: String?) async throws(CredentialError) -> RegistryAuth? {
        let registry = RegistryName(host)
        if let given { return try GivenAuth(text: given, environment: environment).resolve(for: registry) }
        if let auth = try fromEnvironment(registry) { return auth }
        switch try originInFile(registry) {
        case nil: return nil
        case .entry(let auth): return auth
        case .helper(let name, let server):
            let helper = CredentialHelper(name: name, environment: environment, timeLimit: helperTimeLimit)
            do throws(CredentialHelper.Failure) {
                return try await helper.credentials(for: server)?.auth(server: registry.server)
            } catch {
                throw helper.error(error)
            }
        }
    }

    /// `DOCKER_AUTH_CONFIG` holds what stands in a file otherwise, and comes before it.
    private func fromEnvironment(_ registry: RegistryName) throws(CredentialError) -> RegistryAuth? {
        let name = "DOCKER_AUTH_CONFIG"
        guard let text = environment[name], !text.isEmpty else { return nil }
        do throws(DockerConfiguration.Fault) {
            return try DockerConfiguration(Array(text.utf8)).entry(for: registry)
        } catch {
            throw .terminal("the variable \(name) cannot be used: \(error.message)")
        }
    }

    private func originInFile(_ registry: RegistryName) throws(CredentialError) -> DockerConfiguration.Origin? {
        guard let configuration = try configuration() else { return nil }
        do throws(DockerConfiguration.Fault) {
            return try configuration.origin(for: registry)
        } catch {
            throw unusable(error)
        }
    }

    /// What Docker's configuration says; `nil` where there is none.
    func configuration() throws(CredentialError) -> DockerConfiguration? {
        guard let path else { return nil }
        let bytes: [UInt8]
        do throws(SmallFile.Failure) {
            bytes = try SmallFile.read(path, limit: Self.longestFile)
        } catch {
            guard !error.isMissing else { return nil }
            throw .terminal("Docker's configuration \(path) cannot be read: \(error.reason)")
        }
        do throws(DockerConfiguration.Fault) {
            return try DockerConfiguration(bytes)
        } catch {
            throw unusable(error)
        }
    }

    /// It may have been read while it was being written.
    private func unusable(_ fault: DockerConfiguration.Fault) -> CredentialError {
        .retryable("Docker's configuration \(path ?? "") cannot be used: \(fault.message)")
    }

    /// Where Docker's configuration lies, if it is there.
    var path: String? {
        if let folder = environment["DOCKER_CONFIG"], !folder.isEmpty { return "\(folder)/config.json" }
        return home.map { "\($0)/.docker/config.json" }
    }
}
