import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// When a container counts as ready. Docker's port proxy accepts from the start, so it proves nothing.
    @Suite(.needs(.engine)) struct DockerReadiness {
        /// With a TCP probe the proxy's own accept would do, if it were asked.
        @Test(arguments: ["readiness: tcp", "readiness: {path: /}"])
        func aServerThatListensLateIsNotReadyBefore(_ readiness: String) async throws {
            try await TestHost.run(.container) { host in
                let permission = host.sharedFile("may-listen")
                try host.writeStub(
                    flags: "--listen-when \(permission.there)", fields: ["load: eager", "load_timeout: 0.2", readiness])
                let daemon = try await host.serve()
                try await eventually("the engine's proxy accepts") {
                    let port = Int(try await host.sqlite("SELECT port FROM instances WHERE phase = 'starting'")) ?? 0
                    return port > 0 && isAccepted(port: port)
                }
                #expect(try await daemon.predict().status == 503)
                #expect(try await host.sqlite("SELECT phase FROM instances") == "starting")
                #expect(try await host.sqlite("SELECT count(*) FROM routes") == "0")

                close(open(permission.here, O_WRONLY | O_CREAT, 0o600))
                try await host.waitForContainer()
                #expect(try await daemon.predict().status == 200)
            }
        }

        @Test func aServerThatListensInsideOnlyIsToldApart() async throws {
            try await TestHost.run(.container) { host in
                try host.writeStub(flags: "--host 127.0.0.1", fields: ["load: eager", "start_timeout: 60"])
                let daemon = try await host.serve()
                try await eventually("the reason is told") {
                    let reason = try await host.sqlite("SELECT reason FROM models")
                    return reason.contains("loopback") && reason.contains("0.0.0.0")
                }
                #expect(try await host.sqlite("SELECT count(*) FROM instances WHERE phase = 'ready'") == "0")
                _ = daemon
            }
        }

        @Test func theImagesOwnHealthcheckIsHonoured() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                let image = "modelet-test/checked:latest"
                try await engine.makeImage(
                    image,
                    changes: [
                        "HEALTHCHECK --interval=1s --timeout=5s --retries=2 --start-period=1s CMD "
                            + #"["/stub-model-server", "--check-file", "/shared/healthy"]"#
                    ])
                try host.writeStub(fields: ["load: eager"], image: image)
                let daemon = try await host.serve()
                let healthy = host.sharedFile("healthy")
                // It answers HTTP from the start; its image says that this is not enough.
                let health = "SELECT container_id FROM instances WHERE phase = 'starting'"
                try await eventually("the engine finds it unhealthy") {
                    let container = try await host.sqlite(health)
                    guard !container.isEmpty else { return false }
                    return try await engine.inspect(container, "{{.State.Health.Status}}") == "unhealthy"
                }
                #expect(try await host.sqlite("SELECT phase FROM instances") == "starting")
                close(open(healthy.here, O_WRONLY | O_CREAT, 0o600))
                try await host.waitForContainer()
                #expect(try await daemon.predict().status == 200)

                unlink(healthy.here)
                try await eventually("it is unready, and the reason told") {
                    try await host.sqlite("SELECT phase, (SELECT reason FROM models) FROM instances")
                        .wholeMatch(of: /unready\|.*\/shared\/healthy.*/) != nil
                }
                close(open(healthy.here, O_WRONLY | O_CREAT, 0o600))
                try await host.waitForContainer()
                #expect(try await host.sqlite("SELECT count(*) FROM instances") == "1")
            }
        }

        /// A readiness that the manifest gives stands above the image's.
        @Test func theManifestsReadinessStandsAboveTheImages() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                let image = "modelet-test/sick:latest"
                try await engine.makeImage(
                    image,
                    changes: [#"HEALTHCHECK --interval=1s CMD ["/stub-model-server", "--check-file", "/nowhere"]"#])
                try host.writeStub(fields: ["load: eager", "readiness: {path: /}"], image: image)
                let daemon = try await host.serve()
                try await host.waitForContainer()
                #expect(try await daemon.predict().status == 200)
            }
        }

        /// A server that nobody here wrote, in an image with nothing else in it.
        @Test(.needs(.busybox)) func busyboxServesFiles() async throws {
            try await TestHost.run(.container) { host in
                let busybox = try #require(installedProgram("busybox"))
                try await host.engine?.importProgram(
                    busybox, as: "modelet-test/httpd:latest",
                    changes: [#"CMD ["/busybox", "httpd", "-f", "-p", "8000", "-h", "/www"]"#],
                    files: ["/www/index.html": "hello\n"])
                try host.writeStub(fields: ["load: eager"], image: "modelet-test/httpd:latest")
                let daemon = try await host.serve()
                try await host.waitForContainer()
                let answer = try await daemon.get("/upstream/test/stub/default/index.html")
                #expect(answer.status == 200 && answer.body == "hello\n")
                // It leaves TERM to its default, which the first process of a container does not get.
                #expect(try await daemon.terminate() == 0)
                #expect(try await host.sqlite("SELECT exit_code FROM instances") != "137")
            }
        }
    }
}

/// Whether somebody accepts connections on a port of the loopback.
private func isAccepted(port: Int) -> Bool {
    let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(connection) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}
