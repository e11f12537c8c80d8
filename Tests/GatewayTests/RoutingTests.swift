import ModelCore
import Reconciler
import Testing

@testable import Gateway

@Suite struct RoutingTests {
    private func target(_ text: String) -> (path: String, query: String)? {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBytes { raw in
            RequestTarget(raw, 0..<raw.count).map {
                (String(decoding: raw[$0.path], as: UTF8.self), String(decoding: raw[$0.query], as: UTF8.self))
            }
        }
    }

    @Test func takesTargetsApart() throws {
        #expect(try #require(target("/a/b")) == ("/a/b", ""))
        #expect(try #require(target("/a?x=/y?z")) == ("/a", "?x=/y?z"))
        #expect(try #require(target("http://host:80/a?b")) == ("/a", "?b"))
        for bad in ["*", "host:80", "http:///a", "http://host", "https://host/a", "a/b"] {
            #expect(target(bad) == nil, "\(bad)")
        }
    }

    @Test func decodesEscapesStrictly() {
        func decoded(_ text: String) -> String? {
            Array(text.utf8).withUnsafeBytes { RequestTarget.decoded($0) }.map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(decoded("/a%2dB%2E") == "/a-B.")
        for bad in ["%", "%4", "%4g", "%2f", "%2F", "%00", "%0a", "%20", "%25", "%ff", "%C3%A9"] {
            #expect(decoded("/a\(bad)") == nil, "\(bad)")
        }
    }

    private func index(_ keys: String...) throws -> RouteIndex {
        var index = RouteIndex()
        index.isComplete = true
        for key in keys {
            let key = try #require(ModelKey(key))
            guard case .set(let route) = cold(key) else { continue }
            index.insert(RouteEntry(PreparedRoute(route) { throw CancellationError() }))
        }
        return index
    }

    private func cold(_ key: ModelKey) -> RouteChange { route(.cold(state: .standby), key: key) }

    private func destination(_ index: RouteIndex, _ method: RequestHead.Method, _ path: String) -> String {
        let found = Array(path.utf8).withUnsafeBytes { index.destination(method, $0) }
        switch found {
        case .model(let entry): return entry.key.description
        case .health(.live): return "live"
        case .health(.ready): return "ready"
        case .health(.model(let entry)): return "ready \(entry.key)"
        case .metadata(let entry): return "metadata \(entry.key)"
        case .api(let entry, let offset): return "\(entry.key) \(path.dropFirst(offset))"
        case .options: return "options"
        case .refused(let reply): return "\(reply.status)"
        }
    }

    @Test func findsTheModelThatARequestMeans() throws {
        let index = try index("a/one/only", "a/two/default", "a/two/other", "a/three/x", "a/three/y")
        let predictions: [(String, String)] = [
            ("/orchestrator/a/one", "a/one/only"), ("/orchestrator/a/one/only", "a/one/only"),
            ("/orchestrator/a/two", "a/two/default"), ("/orchestrator/a/two/other", "a/two/other"),
            ("/orchestrator/a/%74wo", "a/two/default"), ("/orchestrator/a/three/y", "a/three/y"),
            ("/orchestrator/a/three", "404"), ("/orchestrator/a/one/", "404"), ("/orchestrator/a/one/only/x", "404"),
            ("/orchestrator/a", "404"), ("/orchestrator/", "404"), ("/orchestrator", "404"), ("/", "404"),
            ("/orchestrator//one", "404"), ("/orchestrator/a/four", "404"), ("/orchestrator/A/one", "404"),
            ("/orchestrator/a%2fone", "400"), ("/orchestrator/a/../a/one", "404"), ("/upstream/a/one/x", "404"),
        ]
        for (path, expected) in predictions { #expect(destination(index, .post, path) == expected, "\(path)") }
        #expect(destination(index, .get, "/orchestrator/a/one") == "405")
    }

    @Test func findsHealth() throws {
        let index = try index("a/one/only")
        for path in ["/v2/health/live", "/livez", "/healthz"] { #expect(destination(index, .get, path) == "live") }
        for path in ["/v2/health/ready", "/readyz"] { #expect(destination(index, .head, path) == "ready") }
        #expect(destination(index, .get, "/v2/models/a/one/only/ready") == "ready a/one/only")
        #expect(destination(index, .get, "/v2/models/a/one/none/ready") == "404")
        #expect(destination(index, .get, "/v2/models/ready") == "404")
        #expect(destination(index, .post, "/livez") == "405")
    }

    @Test func forgetsWhatIsRemoved() throws {
        var index = try index("a/two/default", "a/two/other")
        _ = index.remove(try #require(ModelKey("a/two/default")))
        #expect(destination(index, .post, "/orchestrator/a/two") == "a/two/other")
        _ = index.remove(try #require(ModelKey("a/two/other")))
        #expect(destination(index, .post, "/orchestrator/a/two") == "404")
    }

    @Test func readsBaseURLs() throws {
        let plain = try #require(BaseURL("http://localhost:5001"))
        #expect((plain.host, plain.port, plain.prefix, plain.authority) == ("localhost", 5001, "", "localhost:5001"))
        let prefixed = try #require(BaseURL("HTTPS://models.test/api/v1/"))
        #expect((prefixed.isTLS, prefixed.port, prefixed.prefix) == (true, 443, "/api/v1"))
        #expect(prefixed.authority == "models.test")
        let numeric = try #require(BaseURL("http://[::1]:80/x"))
        #expect((numeric.host, numeric.port, numeric.authority) == ("::1", 80, "[::1]"))
        let bad = [
            "", "localhost", "ftp://a", "http://", "http://:80", "http://a:0", "http://a:99999", "http://a:+1",
            "http://a:b", "http://u@a", "http://a b", "http://a/?x", "http://a#x", "http://[::1", "http://a\r\nX: y",
        ]
        for text in bad { #expect(BaseURL(text) == nil, "\(text)") }
    }

    @Test func headersOfTheManifestCannotBreakTheMessage() {
        let overrides = HeaderOverrides([
            "Content-Type": "application/json", "X-Injected": "a\r\nX: y", "Bad Name": "x", "Content-Length": "5",
            "Transfer-Encoding": "chunked", "Host": "other.test",
        ])
        #expect(String(decoding: overrides.lines, as: UTF8.self) == "Content-Type: application/json\r\n")
        #expect(overrides.host == "other.test")
        #expect(overrides.refused == ["Bad Name", "Content-Length", "Transfer-Encoding", "X-Injected"])
    }

    @Test func writesTheErrorBody() {
        var reply = LocalReply(503, "model_loading", "still \"loading\"\n")
        #expect(
            reply.body(model: nil, requestID: "r") == """
                {"error":"still \\"loading\\"\\n","code":"model_loading","request_id":"r"}

                """)
        reply.state = .starting
        reply.retryAfter = 7
        reply.log = ["one", "two\u{1}"]
        #expect(
            reply.body(model: scorer, requestID: "r") == """
                {"error":"still \\"loading\\"\\n","code":"model_loading","model":"churn/scorer/default","state":"starting",\
                "retry_after":7,"request_id":"r","log":["one","two\\u0001"]}

                """)
    }
}
