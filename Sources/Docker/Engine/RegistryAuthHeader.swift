internal import FoundationEssentials

extension RegistryAuth {
    private struct Header: Encodable {
        var username: String
        var password: String
        var identitytoken: String?
        var serveraddress: String?
    }

    /// What `X-Registry-Auth` holds: JSON in the alphabet of base64 that is safe in URLs, with padding.
    var headerValue: String {
        let header = Header(
            username: username, password: password, identitytoken: identityToken.isEmpty ? nil : identityToken,
            serveraddress: serverAddress.isEmpty ? nil : serverAddress)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // Strings can always be written.
        let data = (try? encoder.encode(header)) ?? Data()
        return data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
    }
}
