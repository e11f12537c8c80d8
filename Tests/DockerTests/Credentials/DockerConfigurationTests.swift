import Testing

@testable import Docker

@Suite struct DockerConfigurationTests {
    private static let alice = ToolBox.base64("alice:s3:cret")

    private static func alice(at server: String) -> DockerConfiguration.Origin {
        .entry(RegistryAuth(username: "alice", password: "s3:cret", serverAddress: server))
    }

    @Test(
        "credentials are looked for in docker's own order",
        arguments: [
            // Nothing.
            (#"{}"#, "r.example", nil),
            (#"{"auths": {}}"#, "r.example", nil),
            (#"{"auths": {"r.example": {}}}"#, "r.example", nil),
            (#"{"auths": {"other.example": {"auth": "\#(alice)"}}}"#, "r.example", nil),
            (#"{"auths": {"r.example": {"auth": "\#(alice)"}}}"#, "r.example:5000", nil),
            (#"{"HttpHeaders": {"x": "y"}, "psFormat": "t", "auths": null}"#, "r.example", nil),
            // The file itself.
            (#"{"auths": {"r.example": {"auth": "\#(alice)"}}}"#, "r.example", alice(at: "r.example")),
            (#"{"auths": {"r.example:5000": {"auth": "\#(alice)"}}}"#, "r.example:5000", alice(at: "r.example:5000")),
            (#"{"auths": {"https://r.example/v1/": {"auth": "\#(alice)"}}}"#, "r.example", alice(at: "r.example")),
            (#"{"auths": {"http://r.example": {"auth": "\#(alice)"}}}"#, "r.example", alice(at: "r.example")),
            (#"{"auths": {"r.example/team": {"auth": "\#(alice)"}}}"#, "r.example", alice(at: "r.example")),
            (
                #"{"auths": {"r.example": {"username": "bob", "password": "pw"}}}"#, "r.example",
                .entry(RegistryAuth(username: "bob", password: "pw", serverAddress: "r.example"))
            ),
            (
                #"{"auths": {"r.example": {"auth": "\#(ToolBox.base64("bob:"))", "identitytoken": "tok"}}}"#,
                "r.example",
                .entry(RegistryAuth(username: "bob", identityToken: "tok", serverAddress: "r.example"))
            ),
            (
                #"{"auths": {"r.example": {"auth": "\#(ToolBox.base64("bob:pw\0\0"))"}}}"#, "r.example",
                .entry(RegistryAuth(username: "bob", password: "pw", serverAddress: "r.example"))
            ),
            // The exact key comes before a URL of the same host.
            (
                #"{"auths": {"https://r.example/v1/": {"auth": "\#(ToolBox.base64("old:pw"))"}, "#
                    + #""r.example": {"auth": "\#(alice)"}}}"#,
                "r.example", alice(at: "r.example")
            ),
            // Docker Hub.
            (
                #"{"auths": {"https://index.docker.io/v1/": {"auth": "\#(alice)"}}}"#, "docker.io",
                alice(at: "https://index.docker.io/v1/")
            ),
            (
                #"{"auths": {"docker.io": {"auth": "\#(alice)"}}}"#, "docker.io",
                alice(at: "https://index.docker.io/v1/")
            ),
            (
                #"{"credsStore": "desktop"}"#, "docker.io",
                .helper(name: "desktop", server: "https://index.docker.io/v1/")
            ),
            (
                #"{"credHelpers": {"index.docker.io": "pass"}}"#, "docker.io",
                .helper(name: "pass", server: "index.docker.io")
            ),
            // Helpers come before the file, and the one for the registry before the one for all.
            (
                #"{"credsStore": "pass", "auths": {"r.example": {"auth": "\#(alice)"}}}"#, "r.example",
                .helper(name: "pass", server: "r.example")
            ),
            (
                #"{"credsStore": "pass", "credHelpers": {"r.example": "gcloud"}}"#, "r.example",
                .helper(name: "gcloud", server: "r.example")
            ),
            (
                #"{"credsStore": "pass", "credHelpers": {"r.example": "gcloud"}}"#, "other.example",
                .helper(name: "pass", server: "other.example")
            ),
            (
                #"{"credsStore": "", "auths": {"r.example": {"auth": "\#(alice)"}}}"#, "r.example",
                alice(at: "r.example")
            ),
        ] as [(String, String, DockerConfiguration.Origin?)])
    func findsOrigin(file: String, registry: String, origin: DockerConfiguration.Origin?) throws {
        let configuration = try DockerConfiguration(Array(file.utf8))
        #expect(try configuration.origin(for: RegistryName(registry)) == origin)
    }

    @Test("what cannot be read is told without quoting it", arguments: ["", "{", #"{"auths": 5}"#, "marker"])
    func refusesOther(file: String) {
        #expect(throws: DockerConfiguration.Fault(message: "it is not the JSON that Docker writes")) {
            try DockerConfiguration(Array(file.utf8))
        }
    }

    @Test("a broken entry is a fault of its registry alone", arguments: ["%%%", "bm9jb2xvbg=="])
    func brokenEntry(auth: String) throws {
        let file = #"{"auths": {"r.example": {"auth": "\#(auth)"}}}"#
        let configuration = try DockerConfiguration(Array(file.utf8))
        #expect(try configuration.origin(for: RegistryName("other.example")) == nil)
        let fault = DockerConfiguration.Fault(message: "`auth` of r.example is not user:password in base64")
        #expect(throws: fault) { try configuration.origin(for: RegistryName("r.example")) }
    }

    @Test(
        "names of credential helpers are names of programs",
        arguments: [
            ("pass", true), ("ecr-login", true), ("secretservice", true), ("a.b_c", true), ("", false),
            ("../sh", false), ("a b", false), ("a/b", false), ("a\0b", false), ("ä", false),
        ])
    func helperNames(name: String, isValid: Bool) {
        #expect(CredentialHelper.isValid(name) == isValid)
    }

    @Test(
        "words of programs are shown without what may be a secret",
        arguments: [
            ("error: cannot unlock the key ring", "error: cannot unlock the key ring"),
            ("\n\nfirst\nsecond\n", "first"), ("", ""),
            ("bad token eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9 sorry", "bad token … sorry"),
            ("secret wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "secret …"),
            (
                "open /home/someone/.password-store/docker-credential-helpers/x: no such file",
                "open /home/someone/.password-store/docker-credential-helpers/x: no such file"
            ),
            (#"{"Username":"AWS","Secret":"x"}"#, ""), ("a\u{1b}[31mb", "…"),
        ])
    func redacts(said: String, shown: String) {
        #expect(Redacted(said).text == shown)
    }
}
