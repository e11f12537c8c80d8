internal import FoundationEssentials

/// The user's `config.json` of Docker, as far as it tells how to log in to registries. Only ever read.
struct DockerConfiguration: Sendable {
    /// Where the credentials of one registry are.
    enum Origin: Hashable, Sendable {
        /// `docker-credential-NAME`, asked for the credentials of `server`.
        case helper(name: String, server: String)
        case entry(RegistryAuth)
    }

    /// An entry that cannot be read, and why: a sentence.
    struct Fault: Error, Hashable, Sendable {
        var message: String
    }

    private var credentialHelpers: [String: String]
    private var credentialStore: String?
    private var entries: [String: Entry]

    private struct File: Decodable {
        var credHelpers: [String: String]?
        var credsStore: String?
        var auths: [String: Entry]?
    }

    fileprivate struct Entry: Decodable {
        /// user:password in base64.
        var auth: String?
        var username: String?
        var password: String?
        var identitytoken: String?
    }

    /// - Throws: a sentence that quotes nothing of the text.
    init(_ text: [UInt8]) throws(Fault) {
        do {
            let file = try JSONDecoder().decode(File.self, from: Data(text))
            credentialHelpers = file.credHelpers ?? [:]
            credentialStore = file.credsStore.flatMap { $0.isEmpty ? nil : $0 }
            entries = file.auths ?? [:]
        } catch {
            throw Fault(message: "it is not the JSON that Docker writes")
        }
    }

    /// The helpers that it names, for one registry or for all.
    var helperNames: Set<String> {
        Set((Array(credentialHelpers.values) + [credentialStore].compactMap(\.self)).filter { !$0.isEmpty })
    }

    /// In docker's own order: the helper for this registry, else the one for all; only without a helper the file itself.
    /// What a helper does not know is then not looked for in the file, which docker does not do either.
    func origin(for registry: RegistryName) throws(Fault) -> Origin? {
        for key in registry.keys {
            if let helper = credentialHelpers[key], !helper.isEmpty { return .helper(name: helper, server: key) }
        }
        if let credentialStore { return .helper(name: credentialStore, server: registry.server) }
        return try entry(for: registry).map { .entry($0) }
    }

    /// An entry of the file itself, whatever its helpers are.
    func entry(for registry: RegistryName) throws(Fault) -> RegistryAuth? {
        for key in registry.keys {
            if let auth = try entries[key]?.credentials(key: key, for: registry) { return auth }
        }
        // Keys of old versions are URLs. Sorted: two of them may name one host.
        for (key, entry) in entries.sorted(by: { $0.key < $1.key }) where registry.keys.contains(Self.host(in: key)) {
            if let auth = try entry.credentials(key: key, for: registry) { return auth }
        }
        return nil
    }

    /// `https://registry.example:5000/v1/` → `registry.example:5000`.
    static func host(in key: String) -> String {
        var rest = key[...]
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        return String(rest.prefix { $0 != "/" })
    }
}

extension DockerConfiguration.Entry {
    /// `nil` for an entry without credentials, as docker leaves them for what a helper keeps.
    fileprivate func credentials(
        key: String, for registry: RegistryName
    ) throws(DockerConfiguration.Fault) -> RegistryAuth? {
        var found = RegistryAuth(
            username: username ?? "", password: password ?? "", identityToken: identitytoken ?? "",
            serverAddress: registry.server)
        if let auth, !auth.isEmpty {
            guard let pair = UserAndPassword(base64: auth) else {
                throw DockerConfiguration.Fault(message: "`auth` of \(key) is not user:password in base64")
            }
            found.username = pair.user
            found.password = pair.password
        }
        let isEmpty = found.username.isEmpty && found.password.isEmpty && found.identityToken.isEmpty
        return isEmpty ? nil : found
    }
}
