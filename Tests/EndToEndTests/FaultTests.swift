import Glibc
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct Faults {
        @Test func commandThatDoesNotExist() async throws {
            try await TestHost.run { host in
                try host.write(
                    """
                    domain: test
                    ml:
                      sources:
                        stub:
                          models:
                            default:
                              source: {type: local_artifact, path: ., startup_command: "no-such-server --port ${PORT}"}

                    """, to: "stub.yaml")
                let daemon = try await host.serve()
                let answer = try await daemon.predict()
                #expect(answer.status == 503)
                #expect(answer.body.contains("no-such-server"))
                let status = try await host.modelet("status")
                #expect(status.output.contains("failed"))
                #expect(status.output.contains("no-such-server"))
            }
        }

        /// Root may read everything, so an unreadable folder is read as somebody else.
        @Test func unreadableFolderIsADiagnosticAndHoldsUpNoOtherFile() async throws {
            try await TestHost.run { host in
                try host.writeStub("good")
                try host.write("ml: {sources: {}}", to: "closed/a.yaml")
                let copy = host.directory + "/modelet"
                #expect(try await host.run(["cp", TestHost.modelet, copy]).status == 0)
                for path in [host.directory, host.manifests, host.manifests + "/artifact", copy] { chmod(path, 0o755) }
                chmod(host.manifests + "/good.yaml", 0o644)
                chmod(host.manifests + "/closed", 0)
                let isRoot = geteuid() == 0
                let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
                let ended = try await host.run((isRoot ? nobody : []) + [copy, "validate", host.manifests])
                #expect(ended.status == 65)
                #expect(ended.errors.contains("closed"))
                #expect(ended.errors.lowercased().contains("permission denied"))
                #expect(!ended.errors.contains("good.yaml"))
                chmod(host.manifests + "/closed", 0o700)
            }
        }

        @Test func missingFolderFailsOneModelUntilItIsThere() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                rmdir(host.manifests + "/artifact")
                try host.write(
                    "ml: {sources: {api: {base_url: 'http://localhost:1', models: {default: {}}}}}", to: "api.yaml")
                let daemon = try await host.serve()
                let answer = try await daemon.predict()
                #expect(answer.status == 503)
                #expect(answer.body.contains("artifact"))
                #expect(try await host.modelet("validate", host.manifests).status == 65)

                mkdir(host.manifests + "/artifact", 0o700)
                daemon.process.signal(SIGHUP)
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT count(*) FROM instances WHERE phase = 'ready'") == "1"
                }
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func serverThatExitsAtOnceShowsItsCodeAndItsLastLines(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(flags: "--exit-immediately 7 --say cannot-load-weights")
                let daemon = try await host.serve()
                let answer = try await daemon.predict()
                #expect(answer.status == 503)
                #expect(answer.headers["retry-after"] != nil)
                #expect(answer.body.contains("code 7"))
                #expect(answer.body.contains("cannot-load-weights"))
                let status = try await host.modelet("status")
                #expect(status.output.contains("code 7"))
                let details = try await host.modelet("status", "-o", "json")
                #expect(details.output.contains("cannot-load-weights"))
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func serverThatNeverListens(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(flags: "--never-listen", fields: ["start_timeout: 1"])
                let daemon = try await host.serve()
                let answer = try await daemon.predict()
                #expect(answer.status == 503)
                #expect(answer.body.contains("start_timeout"))
                try await eventually("it is stopped") { try await host.runningServers() == [] }
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func loadThatOutlastsLoadTimeoutGoesOn(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                let permission = host.sharedFile("may-listen")
                try host.writeStub(flags: "--listen-when \(permission.there)", fields: ["load_timeout: 0.2"])
                let daemon = try await host.serve()
                let early = try await daemon.predict()
                #expect(early.status == 503)
                #expect(early.body.contains("model_loading"))
                #expect(early.headers["retry-after"] != nil)
                close(open(permission.here, O_WRONLY | O_CREAT, 0o600))
                try await eventually("the load goes on to its end") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                #expect(try await daemon.predict().status == 200)
                #expect(try await host.sqlite("SELECT count(*) FROM instances") == "1")
            }
        }

        @Test func strangerOnTheFixedPortIsNamedAndNotTakenForReady() async throws {
            try await TestHost.run { host in
                let stranger = try ChildProcess(
                    ["python3", "-m", "http.server", "18434", "--bind", "127.0.0.1"],
                    output: host.directory + "/stranger")
                defer { stranger.signal(SIGKILL) }
                try await eventually("the stranger listens") {
                    (try? await HTTPCall(port: 18434, method: "GET", path: "/", body: "").send())?.status == 200
                }
                try host.writeStub(port: 18434)
                let daemon = try await host.serve()
                let answer = try await daemon.predict()
                #expect(answer.status == 503)
                #expect(answer.body.contains("\(stranger.pid)"))
                #expect(answer.body.contains("18434"))
                #expect(isRunning(stranger.pid))
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func serverThatIgnoresTermIsKilled(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(flags: "--ignore-term", fields: ["load: eager", "stop_timeout: 0.3"])
                let daemon = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                #expect(try await daemon.terminate() == 0)
                try await host.expectNothingLeft()
            }
        }

        @Test func grandchildThatHoldsOnIsEnded() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--fork-grandchild --grandchild-setsid", fields: ["load: eager"])
                let daemon = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                #expect(host.serverPIDs().count == 2)
                #expect(try await daemon.terminate() == 0)
                #expect(host.serverPIDs() == [])
            }
        }

        @Test func shimKilledAloneIsAFailedInstanceAndLeavesNothing() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--fork-grandchild", fields: ["load: eager"])
                let daemon = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                let old = host.serverPIDs()
                #expect(old.count == 2)
                kill(Int32(try await host.sqlite("SELECT shim_pid FROM instances")) ?? 0, SIGKILL)
                try await eventually("a new instance is ready") {
                    try await host.sqlite("SELECT count(*), sum(phase = 'ready') FROM instances") == "2|1"
                }
                #expect(old.filter(isRunning) == [])
                #expect(try await daemon.predict().status == 200)
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func crashedServerIsStartedAgain(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                kill(Int32(try await host.sqlite("SELECT pid FROM instances")) ?? 0, SIGKILL)
                try await eventually("a new instance is ready") {
                    try await host.sqlite("SELECT count(*), sum(phase = 'ready') FROM instances") == "2|1"
                }
                #expect(try await daemon.predict().status == 200)
            }
        }

        @Test func secondServeOnTheSameStateNamesTheHolder() async throws {
            try await TestHost.run { host in
                try host.writeStub()
                let daemon = try await host.serve()
                let second = try host.startServe()
                #expect(try await second.exitStatus() == 75)
                #expect(second.errors.contains("\(daemon.process.pid)"))
                #expect(try await daemon.predict().status == 200)
            }
        }

        @Test func listenAddressInUseIsOneSentence() async throws {
            try await TestHost.run { host in
                try host.writeStub()
                let daemon = try await host.serve()
                let other = try ChildProcess(
                    [
                        TestHost.modelet, "serve", "--manifests", host.manifests, "--state", host.directory + "/state2",
                        "--listen", "127.0.0.1:\(daemon.port)",
                    ], output: host.directory + "/other")
                #expect(try await other.exitStatus() == 1)
                #expect(other.errors.contains("in use"))
            }
        }

        @Test func readOnlyStateDirectoryIsOneSentence() async throws {
            try await TestHost.run { host in
                try host.writeStub()
                try await host.withTmpfs(options: "ro,size=1m") { mount in
                    let process = try ChildProcess(
                        [
                            TestHost.modelet, "serve", "--manifests", host.manifests, "--state", mount + "/state",
                            "--listen", "127.0.0.1:0",
                        ], output: host.directory + "/serve")
                    #expect(try await process.exitStatus() == 1)
                    #expect(process.errors.lowercased().contains("read-only"))
                }
            }
        }

        @Test func fullDiskIsOneSentenceAndServingGoesOn() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                try await host.withTmpfs(options: "size=4m") { mount in
                    let process = try ChildProcess(
                        [
                            TestHost.modelet, "serve", "--manifests", host.manifests, "--state", mount + "/state",
                            "--listen", "127.0.0.1:0",
                        ], output: host.directory + "/serve")
                    let daemon = Daemon(process: process, host: host)
                    try await daemon.waitUntilListening()
                    try await eventually("it answers") { try await daemon.predict().status == 200 }
                    _ = try? await host.run(["dd", "if=/dev/zero", "of=\(mount)/filler", "bs=4096"])
                    // What runs is served on while nothing can be written.
                    #expect(try await daemon.predict().status == 200)
                    let load = try await host.run([
                        TestHost.modelet, "unload", "test/stub", "--state", mount + "/state",
                    ])
                    #expect(load.status == 1)
                    #expect(load.errors.lowercased().contains("full"))
                    _ = try await host.run(["rm", "\(mount)/filler"])
                    #expect(try await daemon.terminate() == 0)
                }
            }
        }
    }
}

extension TestHost {
    /// The model servers of this host.
    func serverPIDs() -> [Int32] {
        processes().filter { executable($0).hasSuffix("/stub-model-server") }
    }

    /// Mounts a small file system for the time of `body`. Needs the rights of root; without them the test fails.
    fileprivate func withTmpfs(options: String, _ body: (String) async throws -> Void) async throws {
        let mount = directory + "/mount"
        mkdir(mount, 0o700)
        let mounted = try await run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", mount])
        guard mounted.status == 0 else { throw HarnessError("cannot mount: \(mounted.errors)") }
        do {
            try await body(mount)
        } catch {
            try await unmount(mount)
            throw error
        }
        try await unmount(mount)
    }

    private func unmount(_ mount: String) async throws {
        for pid in processes() { kill(pid, SIGKILL) }
        try await eventually("it is unmounted") { try await run(["umount", mount]).status == 0 }
    }
}
