internal import FoundationEssentials

extension PrivateRegistry {
    /// The folder of a Docker configuration (`DOCKER_CONFIG`) that knows this registry's account.
    /// - Parameter account: whom to introduce oneself as; `nil`: as nobody.
    package func dockerConfiguration(for account: Account?) throws -> TemporaryDirectory {
        let folder = try TemporaryDirectory()
        var text = "{}"
        if let account {
            let login = Data("\(account.name):\(account.password)".utf8).base64EncodedString()
            text = #"{"auths": {"\#(host)": {"auth": "\#(login)"}}}"#
        }
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path("config.json")))
        return folder
    }

    /// Brings an image that an engine has into this registry, by the `docker` command, under a name here. The engine
    /// keeps that name too; see ``removeImage``.
    /// - Parameters:
    ///   - image: as the engine knows it.
    ///   - name: `repository:tag`.
    ///   - socket: of the engine.
    /// - Returns: the name in full: `127.0.0.1:PORT/repository:tag`.
    @discardableResult
    package func push(
        _ image: String, as name: String, account: Account? = nil, from socket: String
    ) async throws -> String {
        let configuration = try dockerConfiguration(for: account)
        let docker = ["docker", "-H", "unix://\(socket)"]
        let environment = ["DOCKER_CONFIG": configuration.path]
        let scratch = configuration.path("output")
        try await runToEnd(docker + ["tag", image, "\(host)/\(name)"], environment: environment, scratch: scratch)
        try await runToEnd(docker + ["push", "\(host)/\(name)"], environment: environment, scratch: scratch)
        return "\(host)/\(name)"
    }
}
