import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// `plan`, `apply --dry-run`, `apply --wait`, `rollback` and `diff`, with the real programs.
    @Suite struct Planning {
        /// The list of a document: what `jq` would give for `.changes`.
        private func changes(_ document: String) -> String {
            let lines = document.split(separator: "\n", omittingEmptySubsequences: false)
            guard let start = lines.firstIndex(where: { $0.hasPrefix("  \"changes\" : ") }),
                let end = lines[start...].firstIndex(where: { $0.hasPrefix("  \"diagnostics\" : ") })
            else { return "no changes in: \(document)" }
            return lines[start..<end].joined(separator: "\n")
        }

        private func command(of source: String, _ host: TestHost) async throws -> String {
            try await host.sqlite(
                "SELECT spec ->> '$.source.startup_command' FROM model WHERE source = '\(source)' AND NOT is_removed")
        }

        /// Two revisions of `stub` under a daemon: with no flag, and with `--echo`; the eager model serves the second.
        private func twoRevisions(_ host: TestHost) async throws -> Daemon {
            try host.writeStub(fields: ["load: eager"])
            let daemon = try await host.serve()
            #expect(try await host.modelet("apply", host.manifests, "--wait").status == 0)
            try host.writeStub(flags: "--echo", fields: ["load: eager"])
            let applied = try await host.modelet("apply", host.manifests, "--wait")
            #expect(applied.status == 0, "\(applied.errors)")
            return daemon
        }

        // MARK: - plan and apply

        @Test(arguments: [false, true]) func planDryRunAndApplyTellTheSame(withDaemon: Bool) async throws {
            try await TestHost.run { host in
                try host.writeStub("a", fields: ["load: eager"])
                try host.writeStub("b")
                try host.writeStub("c")
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                // A daemon that has not been told of the directory follows another one, and so does not act by itself.
                if withDaemon {
                    mkdir(host.directory + "/none", 0o700)
                    _ = try await host.serve(["--manifests", host.directory + "/none"])
                }
                // What is followed is acted on: a new root is not, before it is applied.
                let root = host.directory + "/second"
                mkdir(root, 0o700)
                try host.writeFile(
                    "domain: second\nml: {sources: {x: {base_url: \"http://localhost:1\", models: {m: {timeout: 3}}}}}\n",
                    to: root + "/x.yaml")
                let planned = try await host.modelet("plan", root, "-o", "json")
                #expect(planned.status == 2)
                let before = try await host.sqlite("SELECT count(*) FROM revision")
                let dry = try await host.modelet("apply", root, "--dry-run", "-o", "json")
                #expect(dry.status == 2)
                #expect(try await host.sqlite("SELECT count(*) FROM revision") == before)
                let applied = try await host.modelet("apply", root, "-o", "json")
                #expect(applied.status == 0, "\(applied.errors)")
                #expect(changes(planned.output).contains("second/x/m"))
                #expect(changes(dry.output) == changes(planned.output))
                #expect(changes(applied.output) == changes(planned.output))
                for arguments in [["plan", root], ["apply", root, "--dry-run"]] {
                    let again = try await host.run(
                        [TestHost.modelet] + arguments, environment: ["MODELET_STATE": host.state])
                    #expect(again.status == 0, "\(arguments)")
                    #expect(again.output.hasSuffix("No changes: the manifests are what is accepted.\n"))
                }
                try host.writeFile("ml: [", to: root + "/x.yaml")
                for arguments in [["plan", root], ["apply", root, "--dry-run"], ["diff", root]] {
                    let invalid = try await host.run(
                        [TestHost.modelet] + arguments, environment: ["MODELET_STATE": host.state])
                    #expect(invalid.status == 65, "\(arguments)")
                }
            }
        }

        /// Random edits, without a daemon: nothing happens in between.
        @Test(arguments: 0..<4) func whateverIsEditedPlanAndApplyAgree(seed: Int) async throws {
            try await TestHost.run { host in
                var random = Random(seed: seed)
                for round in 0..<4 {
                    for number in 0..<5 {
                        let name = "m\(number)"
                        switch random.next(in: 4) {
                        case 0: unlink(host.manifests + "/\(name).yaml")
                        case 1: try host.write("ml: {", to: "\(name).yaml")
                        default:
                            try host.writeStub(
                                name, flags: random.next(in: 2) == 0 ? "--echo" : "",
                                fields: ["timeout: \(random.next(in: 3) + 1)"])
                        }
                    }
                    let planned = try await host.modelet("plan", host.manifests, "-o", "json")
                    let dry = try await host.modelet("apply", host.manifests, "--dry-run", "-o", "json")
                    let applied = try await host.modelet("apply", host.manifests, "-o", "json")
                    #expect(changes(planned.output) == changes(applied.output), "round \(round)")
                    #expect(planned.output == dry.output && planned.status == dry.status)
                    #expect((planned.status == 65) == (applied.status == 65), "round \(round)")
                }
            }
        }

        @Test func everyFieldIsToldAndNoSecret() async throws {
            try await TestHost.run { host in
                try host.writeStub(
                    fields: ["timeout: 3"], sourceFields: ["environment: {TOKEN: first-s3cret, A: \"1\"}"])
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                try host.writeStub(
                    flags: "--echo", fields: ["timeout: 4", "headers: {Authorization: Bearer-s3cret}"],
                    sourceFields: ["environment: {TOKEN: second-s3cret, A: \"1\"}"])
                for arguments in [["plan"], ["plan", "-o", "json"], ["diff"], ["diff", "-o", "yaml"]] {
                    let ended = try await host.run(
                        [TestHost.modelet, arguments[0], host.manifests] + arguments.dropFirst(),
                        environment: ["MODELET_STATE": host.state])
                    #expect(ended.status == 2)
                    #expect(!ended.output.contains("s3cret"), "\(ended.output)")
                    for field in [
                        "timeout", "headers.Authorization", "source.environment.TOKEN", "source.startup_command",
                    ] {
                        #expect(ended.output.contains(field), "\(arguments): \(ended.output)")
                    }
                    #expect(!ended.output.contains("environment.A"))
                }
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                #expect(try await host.modelet("diff", host.manifests).status == 0)
                let between = try await host.modelet("diff", "--revision", "1", "--revision", "2")
                #expect(between.status == 2 && between.output.contains("+ timeout: 4s"))
                #expect(!between.output.contains("s3cret"))
                #expect(try await host.modelet("diff", "--revision", "2").status == 0)
                #expect(try await host.modelet("diff", "--revision", "9").status == 1)
                #expect(try await host.modelet("diff", host.manifests, "--revision", "1").status == 64)
            }
        }

        @Test func colourIsForTerminalsThatWantIt() async throws {
            try await TestHost.run { host in
                try host.writeStub()
                func plan(onTerminal: Bool, _ environment: [String: String] = [:]) async throws -> String {
                    let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
                    defer { close(terminal) }
                    // TIOCSPTLCK and TIOCGPTN: what `unlockpt` and `ptsname` do.
                    var (lock, number): (CInt, CInt) = (0, -1)
                    let results = [ioctl(terminal, 0x4004_5431, &lock), ioctl(terminal, 0x8004_5430, &number)]
                    #expect(results == [0, 0])
                    let name = "/dev/pts/\(number)"
                    var variables = ["MODELET_STATE": host.state, "TERM": "xterm", "NO_COLOR": ""]
                    variables.merge(environment) { $1 }
                    let redirect = onTerminal ? "exec \"$0\" plan \"$1\" > \(name)" : "exec \"$0\" plan \"$1\""
                    let process = try ChildProcess(
                        ["/bin/sh", "-c", redirect, TestHost.modelet, host.manifests], environment: variables,
                        output: host.newOutput("plan"))
                    #expect(try await process.exitStatus() == 2)
                    guard onTerminal else { return process.output }
                    // A read gives a part; that nobody holds the other side any more is an error, at the end.
                    var (shown, part): ([UInt8], [UInt8]) = ([], [UInt8](repeating: 0, count: 4096))
                    while case let count = read(terminal, &part, part.count), count > 0 { shown += part[..<count] }
                    return String(decoding: shown, as: UTF8.self)
                }
                #expect(try await plan(onTerminal: true).contains("\u{1B}[32m+ test/stub/default"))
                #expect(try await !plan(onTerminal: false).contains("\u{1B}"))
                let quiet = try await plan(onTerminal: true, ["NO_COLOR": "1"])
                #expect(quiet.contains("+ test/stub/default") && !quiet.contains("\u{1B}"))
                #expect(try await !plan(onTerminal: true, ["TERM": "dumb"]).contains("\u{1B}"))
            }
        }

        // MARK: - apply --wait

        @Test func waitEndsWithALoadThatFailsThreeTimes() async throws {
            try await TestHost.run { host in
                let daemon = try await twoRevisions(host)
                try host.writeStub(flags: "--no-such-flag", fields: ["load: eager"])
                let ended = try await host.modelet("apply", host.manifests, "--wait")
                #expect(ended.status == 1)
                #expect(ended.errors.contains(" times in a row: exited with code 64"))
                #expect(!ended.errors.contains("modelet has ended"), "\(ended.errors)")
                // The one before serves on, and the plan says what would help.
                #expect(try await daemon.predict().status == 200)
                let plan = try await host.modelet("plan", host.manifests)
                #expect(plan.status == 0)
                #expect(plan.output.contains("! blocked (BlockedByFailedLoad): test/stub/default"), "\(plan.output)")
                #expect(plan.output.contains("`modelet load test/stub/default`"))
                try host.writeStub(flags: "--echo", fields: ["load: eager", "timeout: 9"])
                #expect(try await host.modelet("apply", host.manifests, "--wait").status == 0)
            }
        }

        @Test func waitEndsWhereStartTimeoutHasPassed() async throws {
            try await TestHost.run { host in
                _ = try await host.serve()
                try host.writeStub(flags: "--never-listen", fields: ["load: eager", "start_timeout: 1"])
                let ended = try await host.modelet("apply", host.manifests, "--wait")
                #expect(ended.status == 1)
                #expect(ended.errors.contains("test/stub/default was not ready within start_timeout (1s)"))
            }
        }

        @Test(arguments: ["unload", "remove", "kill"]) func waitEndsWithWhatHappensMeanwhile(_ what: String)
            async throws
        {
            try await TestHost.run { host in
                let daemon = try await host.serve()
                try host.writeStub(flags: "--never-listen", fields: ["load: eager"])
                let command = try ChildProcess(
                    [TestHost.modelet, "apply", host.manifests, "--wait", "--timeout", "100"],
                    environment: ["MODELET_STATE": host.state], output: host.newOutput("apply"))
                try await eventually("it waits") { command.errors.contains("test/stub/default: starting") }
                let reason: String
                switch what {
                case "unload":
                    #expect(try await host.modelet("unload", "test/stub").status == 0)
                    reason = "test/stub/default is held: unloaded by"
                case "remove":
                    unlink(host.manifests + "/stub.yaml")
                    #expect(try await host.modelet("apply", host.manifests, "--allow-empty").status == 0)
                    reason = "removed from its manifest"
                default:
                    try await daemon.crash()
                    reason = "modelet"
                }
                #expect(try await command.exitStatus(within: .seconds(90)) == 1)
                #expect(command.errors.contains(reason), "\(command.errors)")
            }
        }

        @Test func waitWithoutADaemonIsAFailureThatSaysSo() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                let ended = try await host.modelet("apply", host.manifests, "--wait")
                #expect(ended.status == 1)
                #expect(ended.errors.contains("no modelet is running"))
                #expect(try await host.sqlite("SELECT count(*) FROM models") == "1")
            }
        }

        // MARK: - rollback

        @Test func rollbackServesWhatWasAndHoldsItOverEditsAndARestart() async throws {
            try await TestHost.run { host in
                let daemon = try await twoRevisions(host)
                #expect(try await daemon.predict().body.contains("\"path\""))
                let dry = try await host.modelet("rollback", "--dry-run")
                #expect(dry.status == 2)
                #expect(try await host.sqlite("SELECT count(*) FROM revision") == "2")

                let back = try await host.modelet("rollback", "--wait")
                #expect(back.status == 0, "\(back.errors)")
                #expect(back.output.contains("accepted as revision 3: 1 to replace"), "\(back.output)")
                #expect(back.output.contains("is pinned at revision 1"))
                #expect(try await !daemon.predict().body.contains("\"path\""))
                let status = try await host.modelet("status")
                #expect(status.output.contains("is pinned at revision 1"))
                #expect(status.output.contains("edits of its manifests are pending (1 to replace)"))

                // Edits wait, and are told.
                try host.writeStub("other", fields: ["load: eager"])
                try await eventually("the edit is seen") {
                    try await host.sqlite("SELECT pending FROM roots") == "1 to create, 1 to replace"
                }
                let plan = try await host.modelet("plan", host.manifests)
                #expect(plan.status == 2)
                #expect(plan.output.contains("is pinned at revision 1"))
                for arguments in [["plan"], ["apply", "--dry-run"], ["apply"]] {
                    let part = try await host.run(
                        [TestHost.modelet] + arguments + [host.manifests + "/other.yaml"],
                        environment: ["MODELET_STATE": host.state])
                    #expect(part.status == 1, "\(arguments)")
                    #expect(part.errors.contains("other.yaml alone cannot be applied"), "\(part.errors)")
                }
                #expect(try await daemon.predict("test/other").status == 404)

                // Also for the next daemon, however this one ends.
                try await daemon.crash()
                let next = try await host.serve()
                try await eventually("it serves") { try await next.predict().status == 200 }
                #expect(try await !next.predict().body.contains("\"path\""))
                #expect(try await next.predict("test/other").status == 404)
                try host.writeStub(flags: "--echo", fields: ["load: eager", "timeout: 9"])
                try await eventually("the edit is seen") {
                    try await host.sqlite("SELECT pending FROM roots") == "1 to create, 1 to replace"
                }
                #expect(try await command(of: "stub", host).hasSuffix("${PORT} "))

                let applied = try await host.modelet("apply", host.manifests, "--wait")
                #expect(applied.status == 0, "\(applied.errors)")
                #expect(applied.output.contains("no longer pinned at revision 1"))
                #expect(try await next.predict().body.contains("\"path\""))
                #expect(try await next.predict("test/other").status == 200)
                #expect(try await host.sqlite("SELECT count(*) FROM roots WHERE pinned_revision IS NOT NULL") == "0")
                let list = try await host.modelet("rollback", "--list")
                #expect(list.status == 0)
                #expect(list.output.contains("rollback to revision 1 by"), "\(list.output)")
                #expect(list.output.contains("4 (current)"))
            }
        }

        /// What it would do is for the daemon to say: one that is stopped is waited for.
        @Test func aDryRunOfARollbackAsksTheDaemon() async throws {
            try await TestHost.run { host in
                let daemon = try await twoRevisions(host)
                func connections() async throws -> Int {
                    let lines = try await host.run(["cat", "/proc/net/unix"], environment: [:]).output
                    return lines.split(separator: "\n").count { $0.hasSuffix("/modelet.sock") }
                }
                let before = try await connections()
                daemon.process.signal(SIGSTOP)
                let dry = try ChildProcess(
                    [TestHost.modelet, "rollback", "--dry-run"], environment: ["MODELET_STATE": host.state],
                    output: host.newOutput("dry"))
                try await eventually("it asks") { try await connections() > before }
                daemon.process.signal(SIGCONT)
                #expect(try await dry.exitStatus() == 2)
                #expect(dry.output.contains("To replace"), "\(dry.output)")
            }
        }

        @Test func rollbackWithoutADaemonIsActedOnByTheNext() async throws {
            try await TestHost.run { host in
                #expect(try await host.modelet("rollback").status == 1)
                try host.writeStub()
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                try host.writeStub(flags: "--echo")
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                let unknown = try await host.modelet("rollback", "7")
                #expect(unknown.status == 1)
                #expect(unknown.errors.contains("there is no revision 7: those of \(host.manifests) are 1, 2"))
                let back = try await host.modelet("rollback", "1")
                #expect(back.status == 0, "\(back.errors)")
                #expect(back.output.contains("the next `modelet serve` acts on it"))
                let daemon = try await host.serve()
                #expect(try await !daemon.predict().body.contains("\"path\""))
                #expect(try await host.sqlite("SELECT pinned_revision FROM roots") == "1")
            }
        }

        @Test func rollbackThatRemovesManyIsHeldAsAWhole() async throws {
            try await TestHost.run { host in
                try host.writeStub("a")
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                for name in ["b", "c", "d", "e"] { try host.writeStub(name) }
                try host.writeStub("a", flags: "--echo")
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                let dry = try await host.modelet("rollback", "--dry-run")
                #expect(dry.status == 2)
                #expect(dry.output.contains("`modelet rollback 1 --prune` removes them"), "\(dry.output)")
                let held = try await host.modelet("rollback")
                #expect(held.status == 1)
                #expect(held.output.contains("`modelet rollback 1 --prune` removes them"), "\(held.output)")
                #expect(held.output.contains("nothing was changed"))
                #expect(try await host.sqlite("SELECT count(*) FROM models WHERE NOT removed") == "5")
                #expect(try await host.sqlite("SELECT count(*) FROM revision") == "2")
                #expect(try await host.modelet("rollback", "1", "--prune").status == 0)
                #expect(try await host.sqlite("SELECT source FROM models WHERE NOT removed") == "a")
            }
        }

        /// Killed at a random moment: the root is pinned and its models are those of the revision, or neither.
        @Test(arguments: 0..<8) func aCrashLeavesARollbackWholeOrUndone(seed: Int) async throws {
            try await TestHost.run { host in
                for name in ["a", "b", "c"] { try host.writeStub(name) }
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                for name in ["a", "b", "c"] { try host.writeStub(name, flags: "--echo") }
                let daemon = try await host.serve()
                try await eventually("the second is accepted") {
                    try await host.sqlite("SELECT max(number) FROM revision") == "2"
                }
                let back = try ChildProcess(
                    [TestHost.modelet, "rollback", "1"], environment: ["MODELET_STATE": host.state],
                    output: host.newOutput("rollback"))
                var random = Random(seed: seed)
                let moment = ContinuousClock.now + .milliseconds(random.next(in: 120))
                try await eventually("the moment has come") { .now >= moment }
                try await daemon.crash()
                _ = try await back.exitStatus()
                let pinned = try await host.sqlite("SELECT count(*) FROM roots WHERE pinned_revision = 1")
                let old = try await host.sqlite(
                    "SELECT count(*) FROM model WHERE spec ->> '$.source.startup_command' NOT LIKE '%--echo%'")
                let revisions = try await host.sqlite("SELECT max(number) FROM revision")
                #expect(["1 3 3", "0 0 2"].contains("\(pinned) \(old) \(revisions)"))
                // Whatever it was, the next goes on from there.
                let next = try await host.serve()
                let answer = try await next.predict("test/a")
                #expect(answer.body.contains("\"path\"") == (pinned == "0"))
            }
        }
    }
}

/// Reproducible chance: a linear congruential generator is enough for a few coins.
private struct Random {
    private var state: UInt64

    init(seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next(in count: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(count))
    }
}
