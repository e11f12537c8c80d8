import TestSupport
import Testing

extension EndToEnd {
    @Suite struct Serving {
        @Test(arguments: try await ModelKind.testable)
        func onDemandModelIsStartedByItsFirstRequest(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub()
                let daemon = try await host.serve()
                #expect(try await host.sqlite("SELECT count(*) FROM instances") == "0")

                let first = try await daemon.predict()
                #expect(first.status == 200)
                #expect(first.headers["x-modelet-served-by"] == "instance")
                #expect(first.headers["x-modelet-model"] == "test/stub/default")
                #expect(first.headers["x-modelet-cold-start-ms"] != nil)

                let second = try await daemon.predict()
                #expect(second.status == 200)
                #expect(second.headers["x-modelet-cold-start-ms"] == nil)
                #expect(try await host.sqlite("SELECT count(*) FROM instances") == "1")
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func eagerModelIsReadyWithoutARequest(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                let pid = try await host.sqlite("SELECT pid FROM instances")
                #expect(isRunning(Int32(pid) ?? 0))
                #expect(try await daemon.predict().status == 200)
            }
        }

        @Test func editIsActedOnWhenItIsSaved() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["timeout: 7"])
                let daemon = try await host.serve()
                // Long before the periodic rescan; and so is the next one: the watch goes on.
                for timeout in [8, 9] {
                    try host.writeStub(fields: ["timeout: \(timeout)"])
                    try await eventually("the edit is accepted", within: .seconds(15)) {
                        try await host.sqlite("SELECT spec ->> '$.timeout' FROM model") == "\(timeout)"
                    }
                }
                #expect(try await daemon.terminate() == 0)
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func manyFirstCallersStartOneInstance(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(flags: "--start-delay-ms 300")
                let daemon = try await host.serve()
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<100 { group.addTask { try await daemon.predict().status } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(statuses == Array(repeating: 200, count: 100))
                #expect(try await host.sqlite("SELECT count(*) FROM instances") == "1")
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func failedLoadFallsBackToBaseURL(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                // The fallback is another model's server, at a port of its own.
                try host.writeStub("good", fields: ["load: eager"], port: 18431)
                try host.writeStub(
                    "bad", flags: "--exit-immediately 3 --say broken", baseURL: "http://localhost:18431")
                let daemon = try await host.serve()
                try await eventually("the fallback is ready") {
                    try await host.sqlite("SELECT phase FROM instances WHERE source = 'good'") == "ready"
                }
                let answer = try await daemon.predict("test/bad")
                #expect(answer.status == 200)
                #expect(answer.headers["x-modelet-served-by"] == "fallback")
            }
        }

        @Test func remoteModelGetsItsHeadersAndTimeout() async throws {
            try await TestHost.run { host in
                try host.writeStub("upstream", flags: "--echo", fields: ["load: eager"], port: 18432)
                try host.writeStub(
                    "slow", flags: "--delay-ms 60000", fields: ["load: eager"], port: 18433)
                try host.write(
                    """
                    domain: test
                    ml:
                      sources:
                        api:
                          base_url: http://localhost:18432
                          models:
                            default:
                              endpoint: /v1/score
                              headers: {X-Api-Key: "k-1"}
                        slow_api:
                          base_url: http://localhost:18433
                          models:
                            default: {endpoint: /predict, timeout: 0.3}

                    """, to: "api.yaml")
                let daemon = try await host.serve()
                try await eventually("the upstreams are ready") {
                    try await host.sqlite("SELECT count(*) FROM instances WHERE phase = 'ready'") == "2"
                }
                let answer = try await daemon.predict("test/api")
                #expect(answer.status == 200)
                #expect(answer.headers["x-modelet-served-by"] == "remote")
                #expect(answer.body.contains("/v1/score"))
                #expect(answer.body.lowercased().contains("x-api-key"))

                let late = try await daemon.predict("test/slow_api")
                #expect(late.status == 504)
                #expect(late.body.contains("\"code\""))
            }
        }

        @Test func unknownModelIs404WithASentence() async throws {
            try await TestHost.run { host in
                try host.writeStub()
                let daemon = try await host.serve()
                let answer = try await daemon.predict("test/stab")
                #expect(answer.status == 404)
                #expect(answer.body.contains("\"error\""))
            }
        }

        @Test func oneThreadedServerIsNotStarved() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--one-threaded")
                let daemon = try await host.serve()
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<20 { group.addTask { try await daemon.predict().status } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(statuses == Array(repeating: 200, count: 20))
            }
        }

        @Test func shippedManifestsAnswerTheDocumentsOwnRequest() async throws {
            try await TestHost.run { host in
                let process = try ChildProcess(
                    [
                        TestHost.modelet, "serve", "--manifests", TestHost.sources + "/manifests", "--state",
                        host.state,
                        "--listen", "127.0.0.1:0",
                    ], output: host.directory + "/serve")
                let daemon = Daemon(process: process, host: host)
                try await daemon.waitUntilListening()
                let answer = try await daemon.predict(
                    "model_loading_examples/local_artifact_model", body: #"{"feature1": 0.5, "feature2": 0.8}"#)
                #expect(answer.status == 200)
                #expect(answer.headers["x-modelet-served-by"] == "instance")

                let flower = #"{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}"#
                for source in ["classifier", "classifier_on_demand"] {
                    let answer = try await daemon.predict("iris/\(source)", body: flower)
                    #expect(answer.status == 200)
                    #expect(answer.body.contains("setosa"))
                }
                // Nothing is behind these: the error that fits.
                for source in ["http_model", "docker_model", "ecr_model"] {
                    let answer = try await daemon.predict("model_loading_examples/\(source)")
                    #expect((500...599).contains(answer.status))
                }
                #expect(try await daemon.terminate() == 0)
            }
        }
    }
}
