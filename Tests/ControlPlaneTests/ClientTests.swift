import HTTPTypes
import Hummingbird
import Logging
import ModelCore
import NIOCore
import Synchronization
import Testing

@testable import ControlPlane

@Suite("Clients say what went wrong", .timeLimit(.minutes(1)))
struct ClientTests {
    @Test func absentSocketIsNoDaemon() async throws {
        try await withDirectory { directory in
            let client = AdminClient(socket: directory + "/modelet.sock")
            await #expect(throws: ClientError.noDaemon) { try await client.about() }
        }
    }

    @Test func silenceTimesOutAndIsNotLeftBehind() async throws {
        var script = FakeControl.Script()
        script.hangs = true
        let control = FakeControl(script)
        try await withClient(of: control) { client in
            // A busy machine may take longer than the limit to bring the question over: then there is no silence yet.
            var limit = Duration.milliseconds(200)
            while !control.script.withLock(\.isAsked) {
                await #expect(throws: ClientError.timedOut) {
                    try await client.raw("GET", "/v1/about", within: limit)
                }
                limit *= 2
            }
        }
        #expect(await control.nextCall() == .aboutCancelled)
    }

    @Test func predictionComesBackWhole() async throws {
        let router = Router()
        router.post("orchestrator/churn/scorer/default") { request, _ in
            let body = try await request.body.collect(upTo: 1000)
            let type = request.headers[.contentType] ?? ""
            return Response(
                status: .serviceUnavailable, headers: [.retryAfter: "7", .contentType: type],
                body: ResponseBody(byteBuffer: body))
        }
        let body = Array(#"{"feature1": 0.5}"#.utf8)
        try await withGateway(router) { gateway in
            let prediction = try await PredictionClient(gateway: gateway).predict(churn, body: body)
            #expect(prediction.status == 503)
            #expect(prediction.headers["retry-after"] == "7")
            #expect(prediction.headers["content-type"] == "application/json")
            #expect(prediction.body == body)
        }
    }

    @Test func absentGatewayIsNoDaemon() async throws {
        let gone = try await withGateway(Router()) { $0 }
        await #expect(throws: ClientError.noDaemon) {
            try await PredictionClient(gateway: gone).predict(churn, body: [])
        }
    }

    private func withGateway<R: Sendable>(
        _ router: Router<BasicRequestContext>, _ body: (String) async throws -> R
    ) async throws -> R {
        let (ports, signal) = AsyncStream<Int>.makeStream()
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { signal.yield($0.localAddress?.port ?? 0) }, logger: Logger(label: "test"))
        return try await withThrowingTaskGroup { group in
            group.addTask {
                defer { signal.finish() }
                try await application.run()
            }
            var begun = ports.makeAsyncIterator()
            guard let port = await begun.next() else { throw SetupError.ended }
            let result = try await body("127.0.0.1:\(port)")
            group.cancelAll()
            while let ended = await group.nextResult() {
                if case .failure(let error) = ended, !(error is CancellationError) { throw error }
            }
            return result
        }
    }
}
