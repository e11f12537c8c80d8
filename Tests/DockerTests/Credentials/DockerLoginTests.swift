import Glibc
import TestSupport
import Testing

@testable import Docker

/// Docker's configuration and real credential helpers: small shell scripts.
@Suite struct DockerLoginTests {
    private static let registry = "r.example:5000"
    private static let login = RegistryLogin.docker(registry: registry, given: nil)

    @Test("a helper is asked for the registry on its input, and its answer is used")
    func asksHelper() async throws {
        let box = try ToolBox()
        try box.write(#"{"credsStore": "box"}"#, to: "home/.docker/config.json")
        try box.install(
            "docker-credential-box",
            #"""
            echo "$# $1" > "$box/arguments"; cat > "$box/input"; env > "$box/environment"
            cut -d' ' -f5 /proc/$$/stat > "$box/group"; echo $$ > "$box/pid"
            echo '{"ServerURL": "x", "Username": "alice", "Secret": "pw:1"}'
            """#)
        let credentials = box.credentials(["VAULT_ADDR": "there", "MODELET_TOKEN": "ours", "9LIVES": "x"])
        let auth = try #require(try await credentials.auth(for: Self.login))
        #expect(auth == RegistryAuth(username: "alice", password: "pw:1", serverAddress: Self.registry))
        #expect(box.lines("arguments") == ["1 get"])
        #expect(box.read("input") == Self.registry)
        #expect(box.lines("environment").contains("VAULT_ADDR=there"))
        #expect(box.lines("environment").contains("HOME=\(box.home)"))
        #expect(!box.read("environment").contains("MODELET_"))
        // Of its own, so that a signal from modelet's terminal does not reach it.
        #expect(!box.read("pid").isEmpty)
        #expect(box.read("group") == box.read("pid"))
    }

    @Test("the user name <token> says that the secret is an identity token")
    func identityToken() async throws {
        let box = try ToolBox()
        try box.write(#"{"credHelpers": {"\#(Self.registry)": "box"}}"#, to: "home/.docker/config.json")
        try box.install("docker-credential-box", #"echo '{"Username": "<token>", "Secret": "tok"}'"#)
        let auth = try #require(try await box.credentials().auth(for: Self.login))
        #expect(auth == RegistryAuth(identityToken: "tok", serverAddress: Self.registry))
    }

    @Test("a helper that knows nothing of the registry stands for none, and the file is not asked instead")
    func helperWithout() async throws {
        let box = try ToolBox()
        let entry = #""auths": {"\#(Self.registry)": {"auth": "\#(ToolBox.base64("a:b"))"}}"#
        try box.write(#"{"credsStore": "box", \#(entry)}"#, to: "home/.docker/config.json")
        try box.install("docker-credential-box", "echo 'credentials not found in native keychain'; exit 1")
        #expect(try await box.credentials().auth(for: Self.login) == nil)
        try box.write(#"{\#(entry)}"#, to: "home/.docker/config.json")
        #expect(try await box.credentials().auth(for: Self.login)?.username == "a")
    }

    @Test("a login counts from the next pull on, and its loss too")
    func readsAnew() async throws {
        let box = try ToolBox()
        let credentials = box.credentials()
        #expect(try await credentials.auth(for: Self.login) == nil)
        try box.write(
            #"{"auths": {"\#(Self.registry)": {"auth": "\#(ToolBox.base64("a:1"))"}}}"#, to: "home/.docker/config.json")
        let first = try #require(try await credentials.auth(for: Self.login))
        #expect(first.password == "1")
        #expect(try await credentials.renewed(first, for: Self.login) == nil)
        try box.write(
            #"{"auths": {"\#(Self.registry)": {"auth": "\#(ToolBox.base64("a:2"))"}}}"#, to: "home/.docker/config.json")
        #expect(try await credentials.renewed(first, for: Self.login)?.password == "2")
        unlink(box.path("home/.docker/config.json"))
        #expect(try await credentials.renewed(first, for: Self.login) == nil)
    }

    @Test("without HOME, the home of the user is the one that the system knows")
    func homeOfUser() throws {
        #expect(homeDirectory() == getpwuid(geteuid()).map { String(cString: $0.pointee.pw_dir) })
        #expect(homeDirectory()?.hasPrefix("/") == true)
    }

    @Test("DOCKER_CONFIG names the folder, and DOCKER_AUTH_CONFIG comes before every file")
    func environmentVariables() async throws {
        let box = try ToolBox()
        func file(_ user: String) -> String {
            #"{"auths": {"\#(Self.registry)": {"auth": "\#(ToolBox.base64("\(user):x"))"}}}"#
        }
        mkdir(box.path("elsewhere"), 0o700)
        try box.write(file("home"), to: "home/.docker/config.json")
        try box.write(file("elsewhere"), to: "elsewhere/config.json")
        #expect(try await box.credentials().auth(for: Self.login)?.username == "home")
        let elsewhere = ["DOCKER_CONFIG": box.path("elsewhere")]
        #expect(try await box.credentials(elsewhere).auth(for: Self.login)?.username == "elsewhere")
        let both = elsewhere.merging(["DOCKER_AUTH_CONFIG": file("variable")]) { $1 }
        #expect(try await box.credentials(both).auth(for: Self.login)?.username == "variable")
        #expect(try await box.credentials(both).auth(for: .docker(registry: "other", given: nil)) == nil)
    }

    @Test(
        "what goes wrong with a helper is told, and nothing that it wrote where a secret may be",
        arguments: [
            (
                nil,
                CredentialError.terminal(
                    "docker-credential-box, which Docker's config.json names, is not in the PATH of modelet: install it, or "
                        + "change `credsStore` or `credHelpers` there")
            ),
            (
                "echo 'the vault is sealed'; exit 3",
                .retryable("docker-credential-box failed with exit code 3: the vault is sealed")
            ),
            (
                #"echo '{"Secret": "marker-4711"}'; echo marker-4711 >&2; exit 1"#,
                .retryable("docker-credential-box failed with exit code 1")
            ),
            (
                "echo marker-4711",
                .retryable(
                    "docker-credential-box answered with what is not the JSON of a credential helper")
            ),
            ("kill -9 $$", .retryable("docker-credential-box failed with exit code 137")),
            (
                "exec yes marker-4711",
                .retryable("docker-credential-box wrote more than a credential helper has to say")
            ),
        ] as [(String?, CredentialError)])
    func helperFails(script: String?, error: CredentialError) async throws {
        let box = try ToolBox()
        try box.write(#"{"credsStore": "box"}"#, to: "home/.docker/config.json")
        if let script { try box.install("docker-credential-box", script) }
        let thrown = try await ToolBox.error { _ = try await box.credentials().auth(for: Self.login) }
        #expect(thrown == error)
        #expect(box.log.text.isEmpty)
    }

    @Test("a helper that hangs is ended in time, with what it has started")
    func helperHangs() async throws {
        let box = try ToolBox()
        try box.write(#"{"credsStore": "box"}"#, to: "home/.docker/config.json")
        try box.install(
            "docker-credential-box",
            "sleep 1000 & echo $! > $box/child; echo $$ > $box/pid; trap '' TERM; while :; do sleep 1000; done")
        // Until the shell has begun its work, which a busy machine may take its time for.
        for limit in [1, 10, 60] where box.read("pid").isEmpty {
            let limits = CredentialLimits(helper: .seconds(limit), cli: .seconds(limit))
            let thrown = try await ToolBox.error {
                _ = try await box.credentials(limits: limits).auth(for: Self.login)
            }
            #expect(thrown == .retryable("docker-credential-box has not answered within \(limit).0 seconds"))
        }
        for file in ["pid", "child"] {
            let pid = try #require(box.lines(file).first.flatMap { Int32($0) })
            try await ToolBox.eventually("\(file) ends") { !ToolBox.isRunning(pid) }
        }
    }

    @Test("a helper that leaves a process behind which holds its output is not waited for")
    func helperLeavesProcess() async throws {
        let box = try ToolBox()
        try box.write(#"{"credsStore": "box"}"#, to: "home/.docker/config.json")
        try box.install(
            "docker-credential-box",
            #"sleep 1000 & echo $! > "$box/child"; echo '{"Username": "a", "Secret": "b"}'"#)
        let auth = try await box.credentials().auth(for: Self.login)
        let child = try #require(box.lines("child").first.flatMap { Int32($0) })
        kill(child, SIGKILL)
        #expect(auth?.username == "a")
    }

    @Test("a manifest's registry_auth comes before Docker's configuration")
    func given() async throws {
        let box = try ToolBox()
        try box.write(
            #"{"auths": {"\#(Self.registry)": {"auth": "\#(ToolBox.base64("a:1"))"}}}"#, to: "home/.docker/config.json")
        try box.write("robot:from file\n", to: "pair")
        try box.write("only the password", to: "password")
        mkdir(box.path("folder"), 0o700)
        let credentials = box.credentials(["PAIR": "env:b:c", "TOKEN": "<token>:t", "USER_NAME": "u", "EMPTY": "u:"])
        func auth(_ given: String) async throws -> RegistryAuth? {
            try await credentials.auth(for: .docker(registry: Self.registry, given: given))
        }
        func login(_ user: String, _ password: String) -> RegistryAuth {
            RegistryAuth(username: user, password: password, serverAddress: Self.registry)
        }
        #expect(try await auth("${env:PAIR}") == login("env", "b:c"))
        #expect(try await auth("${file:\(box.path("pair"))}") == login("robot", "from file"))
        #expect(try await auth("me:${file:\(box.path("password"))}") == login("me", "only the password"))
        #expect(try await auth("${env:USER_NAME}:${env:PAIR}") == login("u", "env:b:c"))
        #expect(
            try await auth("${env:TOKEN}") == RegistryAuth(identityToken: "t", serverAddress: Self.registry))
        for (given, reason) in [
            ("${env:NONE}", "the variable NONE is not set in the environment of modelet"),
            ("${file:\(box.path("none"))}", "the file \(box.path("none")) cannot be read: there is none"),
            ("${file:\(box.path("folder"))}", "the file \(box.path("folder")) cannot be read: it is a directory"),
            ("${env:USER_NAME}", "what it refers to is not of the form user:password"),
            ("${env:EMPTY}", "what it refers to is not of the form user:password"),
        ] {
            let thrown = try await ToolBox.error { _ = try await auth(given) }
            #expect(thrown == .terminal("`registry_auth`: \(reason)"))
        }
    }

    @Test("a configuration that cannot be read or understood is told by its path")
    func badConfiguration() async throws {
        let box = try ToolBox()
        let path = "\(box.home)/.docker/config.json"
        try box.write("{ marker-4711", to: "home/.docker/config.json")
        let broken = try await ToolBox.error { _ = try await box.credentials().auth(for: Self.login) }
        #expect(
            broken == .retryable("Docker's configuration \(path) cannot be used: it is not the JSON that Docker writes")
        )
        unlink(path)
        mkdir(path, 0o700)
        let folder = try await ToolBox.error { _ = try await box.credentials().auth(for: Self.login) }
        #expect(folder == .terminal("Docker's configuration \(path) cannot be read: it is a directory"))
    }
}
