import FoundationEssentials
import Testing

@testable import Docker

@Suite("What registries are shown")
struct RegistryAuthTests {
    private let auth = RegistryAuth(
        username: "u", password: "s3cr3t??>", identityToken: "t0ken", serverAddress: "r.example")

    @Test("it never says what it holds")
    func redacted() {
        var dumped = ""
        dump(auth, to: &dumped)
        let wrapped = EngineError.refused(status: 1, message: "\(auth)")
        for text in [
            "\(auth)", String(reflecting: auth), dumped, "\([auth])", "\(wrapped)", "\(Optional(auth) as Any)",
        ] {
            #expect(!text.contains("s3cr3t"))
            #expect(!text.contains("t0ken"))
        }
    }

    @Test("the engine is told by base64 that is safe in URLs, with padding")
    func header() throws {
        let value = auth.headerValue
        #expect(value.allSatisfy { $0.isLetter || $0.isNumber || "-_=".contains($0) })
        #expect(value.utf8.count % 4 == 0)
        let data = try #require(Data(base64Encoded: value.replacing("-", with: "+").replacing("_", with: "/")))
        let fields = try JSONDecoder().decode([String: String].self, from: data)
        #expect(
            fields == [
                "username": "u", "password": "s3cr3t??>", "identitytoken": "t0ken", "serveraddress": "r.example",
            ])
    }
}
