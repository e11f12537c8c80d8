import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// The listener as its flags make it, and bodies of any size through the real program.
    @Suite struct Network {
        private func curl(_ host: TestHost, _ arguments: String...) async throws -> TestHost.Ended {
            try await host.run(["curl", "--silent", "--show-error", "--max-time", "60"] + arguments)
        }

        @Test(arguments: ["0.0.0.0:0", "[::]:0", "0:0"])
        func beyondThisHostSomethingMustBeSaid(_ address: String) async throws {
            try await TestHost.run { host in
                let refused = try host.startServe(["--listen", address])
                #expect(try await refused.exitStatus() == 64)
                #expect(refused.errors.contains("--token-file") && refused.errors.contains("--insecure"))
                #expect(!refused.output.contains("listening"))
                // In the environment as well, and another value of it is a mistake.
                let wrong = try host.startServe(["--listen", address], environment: ["MODELET_INSECURE": "maybe"])
                #expect(try await wrong.exitStatus() == 64)
            }
        }

        @Test func insecureListensAndWarns() async throws {
            try await TestHost.run { host in
                let process = try host.startServe(["--listen", "0.0.0.0:0"], environment: ["MODELET_INSECURE": "yes"])
                try await eventually("it listens: \(process.errors)") {
                    guard isRunning(process.pid) else { throw HarnessError("serve ended: \(process.errors)") }
                    return process.output.contains("listening on http://0.0.0.0:")
                }
                #expect((process.output + process.errors).contains("no token is asked for"))
                process.signal(SIGTERM)
                #expect(try await process.exitStatus() == 0)
            }
        }

        @Test func tokensOpenTheGatewayAndAreReadAgain() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--echo")
                let file = host.manifests + "/../tokens"
                try host.write("# of the team\n\n  first  \nsecond\n", to: "../tokens")
                let daemon = try await host.serve(["--token-file", file])
                #expect(try await daemon.get("/livez").status == 200)
                let closed = try await daemon.predict()
                #expect(closed.status == 401 && closed.headers["www-authenticate"] == "Bearer")

                let without = try await host.modelet("predict", "test/stub", "-d", "{}")
                #expect(without.status == 1 && without.errors.contains("--token-file"))
                let with = try await host.modelet("predict", "test/stub", "-d", "{}", "--token-file", file)
                #expect(with.status == 0 && !with.output.lowercased().contains("authorization"), "\(with)")
                let variable = try await host.run(
                    [TestHost.modelet, "predict", "test/stub", "-d", "{}"],
                    environment: ["MODELET_STATE": host.state, "MODELET_TOKEN": "second"])
                #expect(variable.status == 0)

                func status(_ token: String) async throws -> String {
                    try await curl(
                        host, "-o", "/dev/null", "-w", "%{http_code}", "-H", "Authorization: Bearer \(token)",
                        "http://127.0.0.1:\(daemon.port)/upstream/test/stub/default/x"
                    ).output
                }
                // What cannot be read changes nothing.
                try host.write("two words\n", to: "../tokens")
                daemon.process.signal(SIGHUP)
                try await eventually("the mistake is reported") {
                    (daemon.process.output + daemon.process.errors).contains("stay as they were")
                }
                #expect(try await status("first") == "200")
                try host.write("third\n", to: "../tokens")
                daemon.process.signal(SIGHUP)
                try await eventually("the new token opens") { try await status("third") == "200" }
                #expect(try await status("first") == "401")
            }
        }

        @Test func listenerSpeaksTLS() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--echo")
                let made = try await host.run([
                    "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", host.directory + "/key.pem", "-out",
                    host.directory + "/certificate.pem",
                ])
                #expect(made.status == 0, "\(made.errors)")
                let (certificate, key) = (host.directory + "/certificate.pem", host.directory + "/key.pem")
                let half = try host.startServe(["--tls-key", key])
                #expect(try await half.exitStatus() == 64)
                let wrong = try host.startServe(["--tls-certificate", certificate, "--tls-key", certificate])
                #expect(try await wrong.exitStatus() == 1)
                #expect(wrong.errors.contains("is not a private key in PEM form"))

                let process = try host.startServe(["--tls-certificate", certificate, "--tls-key", key])
                let marker = "listening on https://127.0.0.1:"
                try await eventually("it listens: \(process.errors)") {
                    guard isRunning(process.pid) else { throw HarnessError("serve ended: \(process.errors)") }
                    return process.output.contains(marker)
                }
                let line = process.output.split(separator: "\n").first { $0.contains(marker) } ?? ""
                let port = line.split(separator: ":").last ?? ""
                let answer = try await curl(
                    host, "--cacert", certificate, "-d", "{}", "https://localhost:\(port)/orchestrator/test/stub")
                #expect(answer.status == 0 && answer.output.contains("[\"X-Forwarded-Proto\",\"https\"]"), "\(answer)")
                #expect(try await host.modelet("predict", "test/stub", "-d", "{}").status == 0)
                process.signal(SIGTERM)
                #expect(try await process.exitStatus() == 0)
            }
        }

        /// Nothing that could be missing is not the same as nothing missing.
        @Test func emptySetIsReadyOnlyWhereNoneWasAskedFor() async throws {
            try await TestHost.run { host in
                let asked = try await host.serve()
                try await eventually("it says why it is not ready") {
                    let answer = try await asked.get("/v2/health/ready")
                    return answer.status == 503 && answer.body.contains("no model is defined in \(host.manifests)")
                }
                try host.writeStub()
                asked.process.signal(SIGHUP)
                try await eventually("it is ready") { try await asked.get("/readyz").status == 200 }
                #expect(try await asked.terminate() == 0)

                let command = "cd \"$1\" && exec \"$0\" serve --state other --listen 127.0.0.1:0"
                let process = try ChildProcess(
                    ["sh", "-c", command, TestHost.modelet, host.state], output: host.directory + "/empty")
                let unasked = Daemon(process: process, host: host)
                try await unasked.waitUntilListening()
                try await eventually("it is ready") { try await unasked.get("/readyz").status == 200 }
            }
        }

        /// More clients than there are descriptors: those that idle make room, and nobody is turned away.
        @Test func manyIdleClientsDoNotShutOthersOut() async throws {
            try await TestHost.run { host in
                try host.writeStub()
                let serve = [
                    "sh", "-c", "ulimit -n 128 && exec \"$0\" \"$@\"", TestHost.modelet, "serve", "--manifests",
                    host.manifests, "--state", host.state, "--listen", "127.0.0.1:0", "--max-connections", "5000",
                ]
                let process = try ChildProcess(serve, output: host.directory + "/limited")
                let daemon = Daemon(process: process, host: host)
                try await daemon.waitUntilListening()
                #expect((process.output + process.errors).contains("raise the limit of open files"))
                var idle: [Int32] = []
                defer { for socket in idle { close(socket) } }
                for _ in 0..<200 { idle.append(try connectedSocket(daemon.port)) }
                for _ in 0..<3 { #expect(try await daemon.predict().status == 200) }
                #expect(isRunning(process.pid))
            }
        }

        /// A thousand times more than the gateway may hold of it.
        @Test func aGibibyteEachWayInConstantMemory() async throws {
            try await TestHost.run { host in
                let upstream = try BulkUpstream()
                defer { upstream.close() }
                try host.write(
                    """
                    domain: test
                    ml:
                      sources:
                        bulk:
                          base_url: http://127.0.0.1:\(upstream.port)
                          models:
                            default: {endpoint: /predict, timeout: 300}

                    """, to: "bulk.yaml")
                let daemon = try await host.serve()
                // What every request costs is there already.
                #expect(try await daemon.predict("test/bulk").status == 200)
                let before = peakMemory(daemon.process.pid)
                let url = "http://127.0.0.1:\(daemon.port)/upstream/test/bulk/default"
                let size = 1 << 30
                let download = try await host.run([
                    "curl", "--silent", "--show-error", "--max-time", "280", "-o", "/dev/null", "-w",
                    "%{size_download}",
                    url + "/\(size)",
                ])
                #expect(download.output == "\(size)", "\(download.errors)")
                let upload = try await host.run([
                    "sh", "-c",
                    "head -c \(size) /dev/zero | curl --silent --show-error --max-time 280 -T - -H 'Expect:' \(url)/0",
                ])
                #expect(upload.output == "\(size)", "\(upload.errors)")
                let growth = peakMemory(daemon.process.pid) - before
                #expect(growth < 64 << 20, "grew by \(growth >> 20) MiB")
            }
        }
    }
}

/// The most memory that a process has ever had resident, in bytes.
private func peakMemory(_ pid: Int32) -> Int {
    let line = readFile("/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return (Int(line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first ?? "") ?? 0) * 1024
}

/// A connection on which nothing is sent.
private func connectedSocket(_ port: Int) throws -> Int32 {
    let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard connected == 0 else { throw HarnessError("cannot connect to port \(port)") }
    return connection
}
