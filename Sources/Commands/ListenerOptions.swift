import ArgumentParser
import Gateway
import Glibc
import Launcher
import Logging

/// Who may reach the gateway, how, and how many at once. Each flag may be given in the environment instead.
struct ListenerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How many clients may be connected; further ones wait [default: 10000, or what the limit of open files allows].",
            valueName: "count"))
    var maxConnections: Int?
    @Option(help: ArgumentHelp("A certificate and its chain (PEM): the gateway speaks TLS.", valueName: "file"))
    var tlsCertificate: String?
    @Option(help: ArgumentHelp("The private key of the certificate (PEM).", valueName: "file"))
    var tlsKey: String?
    @Option(
        help: ArgumentHelp(
            "Tokens, one a line, one of which every request must bear: Authorization: Bearer TOKEN.", valueName: "file")
    )
    var tokenFile: String?
    @Flag(help: "Listen beyond this host although no token is asked for.")
    var insecure = false

    /// - Parameter listen: where the gateway will listen.
    func settings(_ listen: (host: String, port: Int)) throws -> ListenerSettings {
        let settings = ListenerSettings(
            certificate: try certificateFiles(), tokens: tokenFile ?? environment("MODELET_TOKEN_FILE"),
            maxConnections: try connections(), reachesOthers: try reachesBeyondThisHost(listen.host))
        guard settings.reachesOthers, settings.tokens == nil, try !isInsecure() else { return settings }
        throw CommandFailure(
            "\(Gateway.Address(host: listen.host, port: listen.port)) can be reached from other hosts, and nobody would be asked for a token: give "
                + "--token-file FILE, or --insecure if everybody who can reach it may use every model",
            status: ExitStatus.usage)
    }

    private func certificateFiles() throws -> (certificate: String, key: String)? {
        let certificate = tlsCertificate ?? environment("MODELET_TLS_CERTIFICATE")
        let key = tlsKey ?? environment("MODELET_TLS_KEY")
        switch (certificate, key) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return (certificate, key)
        default:
            throw CommandFailure(
                "--tls-certificate and --tls-key go together: one of them is missing", status: ExitStatus.usage)
        }
    }

    private func connections() throws -> Int? {
        guard let text = maxConnections.map(String.init) ?? environment("MODELET_MAX_CONNECTIONS") else { return nil }
        guard let count = Int(text), count > 0 else {
            throw CommandFailure(
                "'\(text)' is no value for --max-connections (MODELET_MAX_CONNECTIONS)", status: ExitStatus.usage)
        }
        return count
    }

    private func isInsecure() throws -> Bool {
        try insecure || truth(of: "MODELET_INSECURE") ?? false
    }
}

/// What ``ListenerOptions`` come to.
struct ListenerSettings {
    /// Paths of PEM files; `nil`: plain HTTP is spoken.
    var certificate: (certificate: String, key: String)?
    /// The path of the file of tokens; `nil`: everybody may ask.
    var tokens: String?
    /// `nil`: as many as the limit of open files allows, up to ``DescriptorBudget/mostClients``.
    var maxConnections: Int?
    /// Whether other hosts may reach the listener.
    var reachesOthers: Bool

    /// Reads the files into the gateway: before it listens, and again whenever it is told to.
    func apply(to gateway: Gateway, _ logger: Logger) async throws {
        if let certificate {
            let read: ListenerCertificate
            do throws(GatewayError) {
                read = try ListenerCertificate(certificate: certificate.certificate, key: certificate.key)
            } catch {
                throw CommandFailure(error.description)
            }
            if read.hasExpired {
                logger.warning("certificate has expired", metadata: ["file": "\(certificate.certificate)"])
            }
            await gateway.setCertificate(read)
        }
        if let tokens {
            await gateway.setTokens(BearerTokens(try TokenFile.read(tokens)))
            if TokenFile.isPublic(tokens) {
                logger.warning("every user of this host may read the tokens", metadata: ["file": "\(tokens)"])
            }
        }
    }

    /// Reads the files again; what cannot be read stays as it was.
    func applyAgain(to gateway: Gateway, _ logger: Logger) async {
        do {
            try await apply(to: gateway, logger)
        } catch {
            let reason = (error as? CommandFailure)?.message ?? "\(error)"
            logger.error("tokens and certificate stay as they were", metadata: ["reason": "\(reason)"])
        }
    }

    /// Says what may not have been meant.
    func warn(_ logger: Logger) {
        guard reachesOthers else { return }
        if tokens == nil {
            logger.warning("whoever can reach the gateway may use every model: no token is asked for")
        } else if certificate == nil {
            logger.warning("tokens cross the network as they are: the gateway has no TLS certificate")
        }
    }
}
