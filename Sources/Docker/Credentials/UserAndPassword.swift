internal import FoundationEssentials

/// `user:password`. The password may hold colons, the user may not.
struct UserAndPassword: Hashable, Sendable {
    /// The user name by which tools say that the password is an OAuth token (docker's credential helpers).
    private static let tokenUser = "<token>"

    var user: String
    var password: String

    init(user: String, password: String) {
        self.user = user
        self.password = password
    }

    /// `nil` without a colon, or with nothing before it.
    init?(_ text: String) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), colon > text.startIndex else { return nil }
        user = String(text[..<colon])
        password = String(text[text.index(after: colon)...])
    }

    init?(base64: String) {
        guard let data = Data(base64Encoded: base64), let text = String(validating: data, as: UTF8.self) else {
            return nil
        }
        self.init(text)
        // Docker's old versions filled up with zeros.
        while password.utf8.last == 0 { password.unicodeScalars.removeLast() }
    }

    func auth(server: String) -> RegistryAuth {
        user == Self.tokenUser
            ? RegistryAuth(identityToken: password, serverAddress: server)
            : RegistryAuth(username: user, password: password, serverAddress: server)
    }
}

extension UserAndPassword: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "UserAndPassword(redacted)" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}
