/// What an engine shows a registry to be let in.
///
/// Kept in memory only. It says nothing of itself when it is printed, dumped or reflected, and is not `Encodable`: the
/// one place that writes it out is the header of a call (``Engine``).
package struct RegistryAuth: Hashable, Sendable {
    package var username: String
    package var password: String
    /// An OAuth token that stands for user and password, as some credential helpers give.
    package var identityToken: String
    /// The registry that it is meant for, as the engine names it; empty where the caller's reference tells.
    package var serverAddress: String

    package init(
        username: String = "", password: String = "", identityToken: String = "", serverAddress: String = ""
    ) {
        self.username = username
        self.password = password
        self.identityToken = identityToken
        self.serverAddress = serverAddress
    }
}

extension RegistryAuth: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "RegistryAuth(redacted)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
