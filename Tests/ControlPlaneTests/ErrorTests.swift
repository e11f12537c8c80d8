import ModelCore
import Reconciler
import Testing

@testable import ControlPlane

@Suite("Every error has its status and its sentence", .timeLimit(.minutes(1)))
struct ErrorTests {
    static let controlErrors: [(ControlError, ClientError)] = [
        (
            .noSuchModel(churn, suggestion: "churn/scorer/v2"),
            .api(
                status: 404, code: "no_such_model",
                message: "there is no model churn/scorer/default; did you mean churn/scorer/v2?")
        ),
        (
            .noSuchModel(churn, suggestion: nil),
            .api(status: 404, code: "no_such_model", message: "there is no model churn/scorer/default")
        ),
        (
            .noSuchInstance("0197", suggestion: "no instance is unknown"),
            .api(
                status: 404, code: "no_such_instance",
                message: "there is no live instance 0197; no instance is unknown")
        ),
        (.refused("it is remote"), .api(status: 409, code: "refused", message: "it is remote")),
        (.unavailable("the disk is full"), .api(status: 503, code: "unavailable", message: "the disk is full")),
    ]

    @Test(arguments: controlErrors) func controlErrorReachesTheClient(thrown: ControlError, seen: ClientError)
        async throws
    {
        var script = FakeControl.Script()
        script.error = thrown
        try await withClient(of: FakeControl(script)) { client in
            await #expect(throws: seen) { try await client.load(churn, by: "alice") }
            await #expect(throws: seen) { try await client.unload(churn, hold: true, by: "alice") }
            await #expect(throws: seen) { try await client.restart(churn, by: "alice") }
            await #expect(throws: seen) { _ = try await client.forget("0197", by: "alice") }
            await #expect(throws: seen) { try await client.apply(root: "/m", removalGuard: RemovalGuard(), by: "ann") }
            await #expect(throws: seen) { _ = try await client.wait(for: .ready, of: churn, timeout: .seconds(1)) }
            await #expect(throws: seen) { _ = try await client.view(of: churn, within: .seconds(60)) }
        }
    }

    static let bodies: [(path: String, body: String, sentence: String)] = [
        ("apply", "{", "the body is not valid JSON"),
        ("apply", "[]", "the body must be a JSON object"),
        ("apply", "", "field `root` is missing"),
        ("apply", #"{"root":"models"}"#, "field `root` must be an absolute path"),
        ("apply", #"{"root":7}"#, "field `root` must be a string"),
        ("apply", #"{"root":"/m","prune":1}"#, "field `prune` must be true or false"),
        (
            "apply", #"{"root":"/m","allowEmpty":true}"#,
            "unknown field `allowEmpty`; the fields are `root`, `prune`, `allow_empty`, `dry_run`, `by`"
        ),
        ("shutdown", #"{"keep":"yes"}"#, "field `keep` must be true or false"),
        ("models/a/b/c/load", #"{"by":""}"#, "field `by` must be one line of 1 to 256 bytes"),
        ("models/a/b/c/load", #"{"by":"a\nb"}"#, "field `by` must be one line of 1 to 256 bytes"),
        ("models/a/b/c/unload", #"{"hodl":true}"#, "unknown field `hodl`; the fields are `by`, `hold`"),
        ("models/a/b/c/wait", #"{"for":"redy"}"#, "field `for` must be `ready`, `standby` or `gone`"),
        ("models/a/b/c/wait", #"{"timeout_seconds":-1}"#, "field `timeout_seconds` must be from 0 to 604800"),
        ("models/a/b/c/wait", #"{"timeout_seconds":1e300}"#, "field `timeout_seconds` must be from 0 to 604800"),
        ("models/a/b/c/wait", #"{"timeout_seconds":"1m"}"#, "field `timeout_seconds` must be a number"),
    ]

    @Test(arguments: bodies) func badBodyIsExplained(path: String, body: String, sentence: String) async throws {
        try await withClient(of: FakeControl()) { client in
            let reply = try await client.raw("POST", "/v1/\(path)", body)
            #expect(reply.status == 400)
            #expect(reply.body == #"{"code":"bad_request","error":"\#(sentence)"}"# + "\n")
        }
    }

    @Test func tooLargeBodyIsRefused() async throws {
        let body = #"{"by":""# + String(repeating: "x", count: 70_000) + #""}"#
        try await withClient(of: FakeControl()) { client in
            for action in ["load", "wait"] {
                let reply = try await client.raw("POST", "/v1/models/a/b/c/\(action)", body)
                #expect(reply.status == 413)
                #expect(reply.body.contains("body_too_large"))
            }
        }
    }

    @Test(arguments: ["/", "/v1", "/v1/nothing", "/v2/about", "/v1/models/a/b/load", "/v1/models/a/b/c/d/load"])
    func unknownPathIsNamed(path: String) async throws {
        try await withClient(of: FakeControl()) { client in
            let reply = try await client.raw("POST", path)
            #expect(reply.status == 404)
            #expect(reply.body.contains("nothing answers POST \(path)"))
        }
    }

    @Test func wrongMethodIsNamed() async throws {
        try await withClient(of: FakeControl()) { client in
            let reply = try await client.raw("GET", "/v1/shutdown")
            #expect(reply.status == 404)
            #expect(reply.body.contains("nothing answers GET /v1/shutdown"))
        }
    }

    @Test(arguments: ["a/b/-c", "a/b%2Fc/d", "a/../c", "%00/b/c"]) func idThatCannotBeIsNoModel(key: String)
        async throws
    {
        try await withClient(of: FakeControl()) { client in
            let reply = try await client.raw("POST", "/v1/models/\(key)/load")
            #expect(reply.status == 404)
        }
    }
}
