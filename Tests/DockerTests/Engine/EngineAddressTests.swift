import Glibc
import TestSupport
import Testing

@testable import Docker

@Suite("Where the engine is")
struct EngineAddressTests {
    private let home: TemporaryDirectory

    init() throws { home = try TemporaryDirectory() }

    private func write(_ text: String, to path: String) throws {
        var folder = home.path
        for part in path.split(separator: "/").dropLast() {
            folder += "/" + part
            mkdir(folder, 0o700)
        }
        let file = try #require(fopen(home.path(path), "w"))
        fputs(text, file)
        fclose(file)
    }

    private func writeContext(_ name: String, host: String, folder: String) throws {
        try write(
            #"{"Name":"\#(name)","Metadata":{},"Endpoints":{"docker":{"Host":"\#(host)","SkipTLSVerify":false}}}"#,
            to: ".docker/contexts/meta/\(folder)/meta.json")
    }

    private func locate(_ environment: [String: String] = [:], sockets: Set<String> = []) throws(EngineError)
        -> EngineAddress
    {
        try EngineAddress.locate(environment: environment, home: home.path) { sockets.contains($0) }
    }

    private func refusal(_ environment: [String: String]) -> String {
        do throws(EngineError) {
            return "found \(try locate(environment))"
        } catch {
            guard case .unreachable(let sentence) = error else { return "\(error)" }
            return sentence
        }
    }

    @Test("DOCKER_HOST comes first")
    func dockerHost() throws {
        try writeContext("mine", host: "unix:///context.sock", folder: "aa")
        let environment = ["DOCKER_HOST": "unix:///x/y.sock", "DOCKER_CONTEXT": "mine"]
        #expect(try locate(environment) == EngineAddress(socket: "/x/y.sock", origin: .dockerHost))
        #expect(try locate(["DOCKER_HOST": ""], sockets: ["/var/run/docker.sock"]).origin == .docker)
    }

    @Test(
        "an engine on another machine is refused with what to do",
        arguments: ["tcp://10.0.0.1:2376", "ssh://user:secret@host", "npipe:////./pipe/docker", "http://x", "fd://"])
    func otherMachine(host: String) {
        let sentence = refusal(["DOCKER_HOST": host])
        #expect(sentence.contains("run modelet on that host"))
        #expect(sentence.contains("DOCKER_HOST"))
        #expect(!sentence.contains("secret"))
    }

    @Test("what is no address is refused", arguments: ["/var/run/docker.sock", "unix://relative.sock", "unix://"])
    func noAddress(host: String) {
        #expect(refusal(["DOCKER_HOST": host]).contains("DOCKER_HOST"))
        #expect(!refusal(["DOCKER_HOST": host]).contains("found"))
    }

    @Test("a path longer than a socket's may be is refused")
    func longPath() throws {
        let path = { (count: Int) in "/" + String(repeating: "x", count: count - 1) }
        #expect(try locate(["DOCKER_HOST": "unix://" + path(107)]).socket.utf8.count == 107)
        #expect(refusal(["DOCKER_HOST": "unix://" + path(108)]).contains("108 bytes"))
    }

    @Test("a context is found by its name, whatever its folder is called")
    func context() throws {
        try writeContext("other", host: "unix:///other.sock", folder: "aa")
        try writeContext("mine", host: "unix:///mine.sock", folder: "bb")
        try write("garbage", to: ".docker/contexts/meta/cc/meta.json")
        let found = EngineAddress(socket: "/mine.sock", origin: .context("mine"))
        #expect(try locate(["DOCKER_CONTEXT": "mine"]) == found)
        try write(#"{"auths":{},"currentContext":"mine"}"#, to: ".docker/config.json")
        #expect(try locate() == found)
        #expect(try locate(["DOCKER_CONTEXT": "other"]).socket == "/other.sock")
        #expect(try locate(["DOCKER_CONTEXT": "default"], sockets: ["/var/run/docker.sock"]).origin == .docker)
    }

    @Test("DOCKER_CONFIG names the folder")
    func configuredFolder() throws {
        try write(#"{"currentContext":"mine"}"#, to: "elsewhere/config.json")
        try write(
            #"{"Name":"mine","Endpoints":{"docker":{"Host":"unix:///e.sock"}}}"#,
            to: "elsewhere/contexts/meta/x/meta.json")
        #expect(try locate(["DOCKER_CONFIG": home.path("elsewhere")]).socket == "/e.sock")
    }

    @Test("a context that is not there, or names none of this host's engines, is refused")
    func badContext() throws {
        #expect(refusal(["DOCKER_CONTEXT": "lost"]).contains("no Docker context named lost"))
        try writeContext("far", host: "ssh://far", folder: "aa")
        #expect(refusal(["DOCKER_CONTEXT": "far"]).contains("context far"))
        try write(#"{"Name":"k8s","Endpoints":{"kubernetes":{"Host":"x"}}}"#, to: ".docker/contexts/meta/b/meta.json")
        #expect(refusal(["DOCKER_CONTEXT": "k8s"]).contains("names no Docker engine"))
    }

    @Test("a configuration that cannot be read is told, not passed over")
    func brokenConfiguration() throws {
        try write("{", to: ".docker/config.json")
        #expect(refusal([:]).contains("config.json"))
        try write("{}", to: ".docker/config.json")
        #expect(try locate().origin == .docker)
    }

    @Test("else it is the first socket that is there")
    func standard() throws {
        let environment = ["XDG_RUNTIME_DIR": "/run/user/7"]
        let places = [
            EngineAddress(socket: "/var/run/docker.sock", origin: .docker),
            EngineAddress(socket: "/run/user/7/docker.sock", origin: .docker),
            EngineAddress(socket: "/run/user/7/podman/podman.sock", origin: .podman),
            EngineAddress(socket: "/run/podman/podman.sock", origin: .podman),
        ]
        for count in places.indices {
            let there = Set(places[count...].map(\.socket))
            #expect(try locate(environment, sockets: there) == places[count])
        }
        #expect(try locate(environment) == places[0])
        #expect(try EngineAddress.locate(environment: environment, home: nil) { _ in false } == places[0])
    }
}
