import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// What an edit of a field does to a model that runs; one field of each class. That every field is in its class is
    /// shown where manifests are read.
    @Suite struct FieldClasses {
        @Test func runFieldsReplaceAndOthersDoNot() async throws {
            try await TestHost.run { host in
                let eager = ["load: eager"]
                try host.writeStub(flags: "--echo", fields: eager)
                let daemon = try await host.serve()
                let first = try await host.readyPID(of: "stub")

                // Of a request: the next one has it.
                try host.writeStub(flags: "--echo", fields: eager + ["headers: {X-Tag: seven}"])
                try await eventually("the header is sent") {
                    try await daemon.predict().body.lowercased().contains("x-tag")
                }
                #expect(try await host.readyPID(of: "stub") == first)

                // Of a load, an end, an update: nothing that runs has to know.
                let later = [
                    "start_timeout: 99", "stop_timeout: 9", "pinned: true", "liveness: {path: /, interval: 60}",
                ]
                try host.writeStub(flags: "--echo", fields: eager + later, sourceFields: ["startup_delay: 0.2"])
                try await eventually("they are accepted") {
                    try await host.sqlite("SELECT spec ->> '$.source.startup_delay' FROM model") == "0.2"
                }
                _ = try await host.modelet("apply", host.manifests)
                #expect(try await host.readyPID(of: "stub") == first)
                #expect(try await host.sqlite("SELECT generation FROM models") == "1")

                // Of the process itself.
                try host.writeStub(
                    flags: "--echo", fields: eager + later,
                    sourceFields: ["startup_delay: 0.2", "environment: {NEW: \"1\"}"])
                try await eventually("it is replaced") {
                    let pid = try await host.sqlite("SELECT pid FROM instances WHERE phase = 'ready'")
                    return !pid.isEmpty && pid != first
                }
                #expect(try await host.sqlite("SELECT generation FROM models") == "2")
                #expect(try await daemon.predict().status == 200)
            }
        }

        @Test func whatSaysTheSameIsNoChangeAtAll() async throws {
            try await TestHost.run { host in
                try host.writeStub("one", fields: ["load: eager", "timeout: 90"])
                try host.writeStub("two", fields: ["max_queue: 7"])
                let daemon = try await host.serve()
                let pid = try await host.readyPID(of: "one")
                let before = try await host.journal()
                try host.writeStub(
                    "one",
                    fields: [
                        "timeout: \"1m30s\"   # the same", "load: 'eager'", "update: availability", "pinned: false",
                        "max_queue: 100", "idle_timeout: never", "headers: {}",
                    ], sourceFields: ["host: localhost", "startup_delay: 0", "inherit_environment: true"])
                let text = readFile(host.manifests + "/two.yaml")
                try host.write(
                    "# moved\nx-y: &p /predict\n" + text.replacing("/predict", with: "*p"), to: "more/two.yaml")
                unlink(host.manifests + "/two.yaml")
                try await host.copyArtifact(to: "more")

                let plan = try await host.modelet("plan", host.manifests)
                // The folder of its artifacts has another path now: that alone is a change, of the other model.
                #expect(!plan.output.contains("test/one"), "\(plan.output)")
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                #expect(try await host.journal().revisions == before.revisions + 1)
                #expect(try await host.readyPID(of: "one") == pid)
                #expect(
                    try await host.sqlite("SELECT generation, spec ->> '$.host' FROM model WHERE source = 'one'")
                        == "1|")
                _ = daemon
            }
        }

        /// Counted by SQLite itself: whether anybody has written.
        @Test func reformattingWritesNothing() async throws {
            try await TestHost.run { host in
                try host.write(
                    """
                    domain: test
                    ml:
                      sources:
                        api:
                          base_url: http://localhost:1
                          models:
                            a: {endpoint: /p, timeout: 30, headers: {A: "1", B: x}}
                            b: {endpoint: /p, timeout: 30, headers: {A: "1", B: x}}

                    """, to: "api.yaml")
                let daemon = try await host.serve()
                let before = try await host.journal()
                let versions = try await host.dataVersions {
                    try host.write(
                        """
                        # All of it again, in other words.
                        domain: "test"
                        x-headers: &headers {B: 'x', A: 1}
                        ml:
                          sources:
                            api:
                              models:
                                b: &b
                                  headers: *headers
                                  timeout: 0m30s
                                  endpoint: '/p'
                                  retry: true
                                  keep_alive: 4
                                  max_concurrency: unlimited
                                a: *b
                              base_url: "http://localhost:1"
                        """, to: "api.yaml")
                    let applied = try await host.modelet("apply", host.manifests)
                    #expect(applied.status == 0, "\(applied.errors)")
                    #expect(try await host.modelet("plan", host.manifests).status == 0)
                }
                #expect(versions.before == versions.after)
                #expect(try await host.journal() == before)

                // A move to another file is remembered, and nothing else: no revision, no event.
                let text = readFile(host.manifests + "/api.yaml")
                try host.write(text, to: "folder/moved.yaml")
                unlink(host.manifests + "/api.yaml")
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                #expect(try await host.journal() == before)
                #expect(try await host.sqlite("SELECT DISTINCT file FROM models") == "folder/moved.yaml")
                let quiet = try await host.dataVersions {
                    let applied = try await host.modelet("apply", host.manifests)
                    #expect(applied.status == 0)
                }
                #expect(quiet.before == quiet.after)
                _ = daemon
            }
        }

        /// A state as another version of modelet may have written it: other order, other white space, a field of its own.
        @Test func anotherFormOfWhatIsStoredChangesNothing() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager", "timeout: 90", "readiness: {path: /, interval: 3}"])
                let first = try await host.serve()
                let pid = try await host.readyPID(of: "stub")
                try await first.crash()
                _ = try await host.sqlite(
                    """
                    UPDATE model SET spec = json_object('a_later_field', json_array(1), 'timeout', 90.0,
                        'source', json(json_set(spec ->> '$.source', '$.a_later_field', 1)),
                        'readiness', json(spec ->> '$.readiness'), 'load', 'eager', 'endpoint', spec ->> '$.endpoint')
                    """)
                let before = try await host.journal()
                let second = try await host.serve()
                #expect(try await host.modelet("plan", host.manifests).status == 0)
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                #expect(try await host.readyPID(of: "stub") == pid)
                #expect(try await second.predict().status == 200)
                #expect(try await host.journal().revisions == before.revisions)
                #expect(try await host.sqlite("SELECT generation FROM models") == "1")
            }
        }
    }
}

/// How much has been written down.
private struct JournalSize: Equatable {
    var revisions: Int
    var events: Int
    var operations: Int
    var generations: Int
}

extension TestHost {
    fileprivate func journal() async throws -> JournalSize {
        let counts = try await sqlite(
            """
            SELECT (SELECT count(*) FROM revision), (SELECT count(*) FROM event), (SELECT count(*) FROM operation),
                (SELECT sum(generation) FROM model)
            """
        ).split(separator: "|").map { Int($0) ?? -1 }
        guard counts.count == 4 else { throw HarnessError("cannot count") }
        return JournalSize(revisions: counts[0], events: counts[1], operations: counts[2], generations: counts[3])
    }

    /// What one connection sees of `PRAGMA data_version` before and after `body`: it differs where anybody has written.
    fileprivate func dataVersions(_ body: () async throws -> Void) async throws -> (before: String, after: String) {
        let (begun, over) = (newOutput("begun"), newOutput("over"))
        let wait = ".shell touch \(begun); while [ ! -e \(over) ]; do sleep 0.05; done"
        let reader = try ChildProcess(
            ["sqlite3", "-batch", database, "PRAGMA data_version", wait, "PRAGMA data_version"],
            output: newOutput("sqlite"))
        try await eventually("the reader has begun") { access(begun, F_OK) == 0 }
        try await body()
        try writeFile("", to: over)
        try await reader.exitStatus()
        let lines = reader.output.split(separator: "\n").map(String.init)
        guard lines.count == 2 else { throw HarnessError("sqlite3: \(reader.output) \(reader.errors)") }
        return (lines[0], lines[1])
    }

    fileprivate func copyArtifact(to folder: String) async throws {
        mkdir(manifests + "/" + folder, 0o700)
        mkdir(manifests + "/" + folder + "/artifact", 0o700)
    }
}
