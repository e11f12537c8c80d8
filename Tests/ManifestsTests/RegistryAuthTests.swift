import ModelCore
import Testing

@testable import Manifests

/// `registry_auth`: a password is a reference, or an error that shows nothing of it.
@Suite struct RegistryAuthTests {
    private static let docker = "type: docker\nimage: m\ncontainer_port: 80\nregistry_auth: "

    private func read(_ set: ManifestSet) -> String? {
        guard case .docker(let spec) = set.spec("churn/s/m")?.source else { return nil }
        return spec.registryAuth
    }

    @Test(arguments: [
        "${env:AUTH}", "${file:/run/secrets/registry}", "robot:${env:PASSWORD}", "<token>:${file:/run/secrets/token}",
        "${env:NAME}:${env:PASSWORD}", "${env:NAME}:${env:A}${env:B}",
    ])
    func takesReferences(text: String) throws {
        let set = try load(manifest(source: Self.docker + "\"\(text)\""))
        #expect(set.errors == [])
        #expect(read(set) == text)
    }

    @Test func filesAreTakenFromTheManifestsFolderAndLookedFor() throws {
        let folder = try ManifestFolder([
            "churn.yaml": manifest(source: Self.docker + "'robot:${file:password}'")
        ])
        let set = folder.load()
        #expect(set.errors == [])
        #expect(read(set) == "robot:${file:\(folder.path)/password}")
        #expect(set.diskErrors.map(\.message) == ["`registry_auth`: \(folder.path)/password does not exist"])
    }

    @Test(arguments: [
        ("robot:marker", "the password is not a reference"),
        ("marker", "the password is not a reference"),
        ("robot:marker${env:X}", "the password is not a reference"),
        ("robot:${env:X}marker", "the password is not a reference"),
        ("a:b:${env:X}", "the password is not a reference"),
        ("marker${env:X}", "the password is not a reference"),
        ("${env:X}marker", "the password is not a reference"),
        ("${env:A}${env:B}", "the password is not a reference"),
        ("robot:", "the password is not a reference"),
        ("", "must not be empty"),
        ("robot:${PORT}", "variables of the launch have no place here: the image is fetched before"),
        ("robot:pa$$word", "the password is not a reference"),
        ("robot:$marker", "a variable is written with braces"),
        ("robot:${env:mark-er}", "what stands between `${` and `}` cannot be referred to"),
    ])
    func refusesPasswords(text: String, message: String) throws {
        let set = try load(manifest(source: Self.docker + "\"\(text)\""))
        #expect(set.errors.count == 1)
        #expect(set.errors.first?.hasSuffix("`registry_auth`: \(message)") == true, "\(set.errors)")
        let shown = set.diagnostics.map { "\($0)" }.joined()
        #expect(!shown.contains("marker") && !shown.contains("pa$$word"))
    }
}
