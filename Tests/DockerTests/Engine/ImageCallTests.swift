import TestSupport
import Testing

@testable import Docker

@Suite("Calls about images and the engine itself")
struct ImageCallTests {
    @Test("an image is read whole")
    func inspect() async throws {
        let body = #"""
            {"Id":"sha256:82","RepoTags":["team/model:1"],"RepoDigests":["r.example/team/model@sha256:aa"],"Architecture":"amd64",
            "Os":"linux","Size":1982284,"Config":{"Env":["A=b"],"Cmd":null,"Entrypoint":["/serve"],"WorkingDir":"/srv","User":"7",
            "Labels":null,"ExposedPorts":{"9000/tcp":{},"8000/tcp":{}},"Healthcheck":{"Test":["CMD","/bin/true"]}}}
            """#
        try await withStub { _, reply in
            try await reply.answer(200, body)
        } _: { engine, stub in
            let image = try await engine.inspectImage("r.example:5000/team/model:1")
            #expect(
                image
                    == ImageDetails(
                        id: "sha256:82", tags: ["team/model:1"],
                        repositoryDigests: ["r.example/team/model@sha256:aa"], labels: [:], environment: ["A=b"],
                        entrypoint: ["/serve"], command: [], workingDirectory: "/srv", user: "7",
                        exposedPorts: ["8000/tcp", "9000/tcp"], hasHealthcheck: true, architecture: "amd64",
                        operatingSystem: "linux", size: 1_982_284))
            #expect(stub.requests.last?.path == "/v1.41/images/r.example%3A5000%2Fteam%2Fmodel%3A1/json")
        }
    }

    @Test(
        "a health check counts unless it is none",
        arguments: [
            (#"{"Healthcheck":{"Test":["CMD-SHELL","true"]}}"#, true), (#"{"Healthcheck":{"Test":["NONE"]}}"#, false),
            (#"{"Healthcheck":{"Test":[]}}"#, false), (#"{"Healthcheck":null}"#, false), ("null", false),
        ])
    func healthcheck(config: String, has: Bool) async throws {
        try await withStub { _, reply in
            try await reply.answer(200, #"{"Id":"82","Config":\#(config)}"#)
        } _: { engine, _ in
            let image = try await engine.inspectImage("x")
            #expect(image.hasHealthcheck == has)
            #expect(image.id == "sha256:82")
        }
    }

    @Test("an image that is not there is removed already; one in use stays", arguments: [200, 404, 409])
    func remove(status: Int) async throws {
        try await withStub { _, reply in
            try await reply.answer(status, status == 200 ? "[]" : #"{"message":"in use"}"#)
        } _: { engine, stub in
            let error = await failure { () async throws(EngineError) in try await engine.removeImage("a/b:1") }
            #expect(error == (status == 409 ? .refused(status: 409, message: "in use") : nil))
            #expect(stub.requests.last?.method == "DELETE")
        }
    }

    @Test(
        "a pull always names a tag or a digest",
        arguments: [
            ("busybox", "busybox", "latest"), ("busybox:1", "busybox", "1"), ("r:5000/a/b", "r:5000/a/b", "latest"),
            ("r:5000/a/b:1.0", "r:5000/a/b", "1.0"), ("a/b@sha256:01", "a/b", "sha256:01"),
            ("r:5000/a/b:1@sha256:01", "r:5000/a/b", "sha256:01"),
        ])
    func parts(reference: String, repository: String, tag: String) {
        let parts = Engine.parts(of: reference)
        #expect(parts.repository == repository)
        #expect(parts.tag == tag)
    }

    @Test("the registry's digest of a tag is asked for through the engine")
    func distribution() async throws {
        try await withStub { _, reply in
            try await reply.answer(
                200, #"{"Descriptor":{"mediaType":"x","digest":"sha256:ab","size":528},"Platforms":[]}"#)
        } _: { engine, stub in
            let auth = RegistryAuth(username: "u", password: "p")
            #expect(try await engine.distributionDigest(of: "a/b:1", auth: auth) == "sha256:ab")
            let request = try #require(stub.requests.last)
            #expect(request.path == "/v1.41/distribution/a%2Fb%3A1/json")
            #expect(request.headers["x-registry-auth"] == auth.headerValue)
        }
    }

    @Test("an answer without a digest is no answer", arguments: ["{}", #"{"Descriptor":{"digest":""}}"#])
    func noDigest(body: String) async throws {
        try await withStub { _, reply in
            try await reply.answer(200, body)
        } _: { engine, _ in
            let error = await failure { () async throws(EngineError) in
                try await engine.distributionDigest(of: "x", auth: nil)
            }
            #expect(error == .malformed("the engine's answer to GET /distribution/x/json names no digest"))
        }
    }

    @Test("the engine tells about itself")
    func info() async throws {
        try await withStub { request, reply in
            try await reply.answer(
                200,
                request.unversioned == "/info"
                    ? #"""
                    {"ID":"GVI2","Name":"host1","OperatingSystem":"Docker Desktop","KernelVersion":"6.1","Driver":"overlay2",
                    "DockerRootDir":"/var/lib/docker","CgroupVersion":"2","SecurityOptions":["name=seccomp,profile=default",
                    "name=rootless"],"Runtimes":{"runc":{"path":"runc"},"nvidia":{}},"LiveRestoreEnabled":true,
                    "MemTotal":25276510208,"NCPU":2,"Architecture":"x86_64"}
                    """#
                    : #"""
                    {"Version":"4.3.1","ApiVersion":"1.41","MinAPIVersion":"1.24","Os":"linux","Arch":"amd64",
                    "KernelVersion":"6.1","Components":[{"Name":"Podman Engine","Version":"4.3.1"}]}
                    """#)
        } _: { engine, _ in
            let info = try await engine.info()
            #expect(info.operatingSystem == "Docker Desktop")
            #expect(info.securityOptions == ["seccomp", "rootless"])
            #expect(info.isRootless)
            #expect(info.runtimes == ["nvidia", "runc"])
            #expect(info.hasLiveRestore)
            #expect(info.memory == 25_276_510_208)
            let version = try await engine.version()
            #expect(version.version == "4.3.1")
            #expect(version.isPodman)
        }
    }
}
