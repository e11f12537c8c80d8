import ModelCore
import Reconciler
import StateStore
import TestSupport
import Testing

/// `sqlite3 state/modelet.db 'SELECT * FROM …'` is an interface.
@Suite struct ViewTests {
    private let id = Sample.intent().id

    @Test func showsAReadyInstanceToEveryReader() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .starting)
        try await store.commit(.server(id, Sample.server), at: Sample.time(2))
        try await store.commit(.ready(id, address: "127.0.0.1"), at: Sample.time(3))
        try await store.commit(.routed(id), at: Sample.time(3))

        let columns = "key, phase, phase_since, pid, shim_pid, host, port, address, routed, exit_code"
        let expected = [
            "churn/scorer/default|ready|2025-06-15T15:06:43.123Z|4712|4711|localhost|20000|127.0.0.1|1|"
        ]
        #expect(try state.query("SELECT \(columns) FROM instances") == expected)
        #expect(
            try state.query("SELECT key, state, type, load, pid, port, generation, root, file, line FROM models") == [
                "churn/scorer/default|ready|local_artifact|on_demand|4712|20000|1|/srv/manifests|churn.yaml|3"
            ])
        #expect(
            try state.query("SELECT key, instance, address, port, since FROM routes") == [
                "churn/scorer/default|\(id)|127.0.0.1|20000|2025-06-15T15:06:43.123Z"
            ])
        try store.close()
        #expect(try state.query("SELECT \(columns) FROM instances") == expected)
    }

    @Test func showsHowAnInstanceEnded() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .starting)
        try await store.commit(
            .exited(id, Sample.exit(.signaled(signal: 9)), backoff: nil, endsDemand: true), at: Sample.time(61))
        #expect(
            try state.query("SELECT phase, pid, exited_at, exit_code, exit_signal, exit_message FROM instances") == [
                "exited||2025-06-15T15:07:40.123Z||9|exited with code 3"
            ])
        try store.close()
    }

    @Test func keepsSpecsAsCanonicalJSON() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .intent)
        #expect(
            try state.query("SELECT spec FROM model") == [
                #"{"base_url":"http://localhost:5002","endpoint":"/predict","#
                    + #""headers":{"Content-Type":"application/json"},"readiness":{"kind":"http","standard":true},"#
                    + #""source":{"environment":{"OMP_NUM_THREADS":"2"},"path":"/srv/models/churn","#
                    + #""startup_command":"python serve.py --port ${PORT}","startup_delay":1.5,"#
                    + #""type":"local_artifact"}}"#
            ])
        try store.close()
    }

    @Test(arguments: [0, 1, 999, 1_000, 1_750_000_000_001, 1_750_000_000_999, 253_402_300_799_999])
    func writesTimesToTheMillisecond(_ milliseconds: Int64) async throws {
        let state = try State()
        let store = try state.open()
        let time = Timestamp(milliseconds: milliseconds)
        try await store.accept([Sample.manifest()], at: time)
        let fraction = String(milliseconds % 1000 + 1000).dropFirst()
        let text = try state.query("SELECT at FROM events LIMIT 1").first ?? ""
        #expect(text.hasSuffix(".\(fraction)Z"))
        #expect(text.utf8.count == 24)
        #expect(try state.query("SELECT strftime('%s', '\(text)')") == ["\(milliseconds / 1000)"])
        try store.close()
    }

    /// The view says of every model what the program says.
    @Test func agreesWithTheProgramOnStates() async throws {
        let state = try State()
        let store = try state.open()
        let everySpec: [ModelSpec] = [Sample.spec(), Sample.spec(load: .eager), ModelSpec(baseURL: "http://h:1")]
        let keys = (0..<everySpec.count * 96).map { ModelKey(domain: "d", source: "s", model: "m\($0)") }
        try await store.accept(keys.enumerated().map { Sample.manifest($1, everySpec[$0 / 96]) })
        for (index, key) in keys.enumerated() { try await disturb(store, key, by: index % 96, number: index) }
        let gone = Set(keys.enumerated().filter { $0.offset % 7 == 3 }.map(\.element))
        try await store.accept(
            keys.enumerated().filter { !gone.contains($1) }.map { Sample.manifest($1, everySpec[$0 / 96]) })

        let snapshot = try #require(try StateReader(state.directory).snapshot())
        let expected = snapshot.models.map { model in
            let condition = model.condition(at: Self.now)
            return "\(model.model.key)|\(condition.state.rawValue)|\(condition.reason ?? "")"
        }
        #expect(try state.query("SELECT key, state, reason FROM models") == expected)
        #expect(Set(snapshot.models.map { $0.condition(at: Self.now).state }).count >= 12)
        try store.close()
    }

    /// Between the past and the future of ``disturb``, as the time of every test is.
    private static let now = Timestamp(milliseconds: 2_000_000_000_000)
    private static let future = Timestamp(milliseconds: 9_000_000_000_000)

    /// One of 96 combinations of what a model may have.
    private func disturb(_ store: SQLiteStore, _ key: ModelKey, by choice: Int, number: Int) async throws {
        let phases: [Phase?] = [nil, .intent, .starting, .ready, .unready, .draining, .stopping, .exited]
        let at = Sample.time(70)
        if let phase = phases[choice % 8], number < 192 {
            try await store.launch(Sample.intent("id-\(number)", of: key, port: 20_000 + number), to: phase)
            if choice % 5 == 4 {
                try await store.commit(.unknown(InstanceID("id-\(number)"), reason: "cannot be read"), at: at)
            }
        }
        switch choice / 8 % 3 {
        case 1: try await store.commit(.demand(key, .loaded(since: Sample.time(10), by: "old")), at: at)
        case 2: try await store.commit(.demand(key, .loaded(since: at, by: "new")), at: at)
        default: break
        }
        switch choice / 24 {
        case 1: try await store.commit(.backoff(key, Sample.backoff(until: Sample.time(80))), at: at)
        case 2:
            var backoff = Sample.backoff(until: Self.future)
            backoff.lastFailure.classification = choice % 2 == 0 ? .terminal : .retryable
            try await store.commit(.backoff(key, backoff), at: at)
        case 3: try await store.commit(.waiting(key, reason: "waits for \(number)"), at: at)
        default: break
        }
        if choice % 3 == 1 {
            let progress = PullProgress(
                image: "x:\(number)", finishedLayers: 1, layers: choice % 2 * 7, fetchedBytes: 1 << 20,
                totalBytes: 5 << 20)
            try await store.commit(.pulling(key, progress, cause: "test", isNews: false), at: at)
        }
        if choice % 13 == 5 { try await store.commit(.restart(key, by: "ops"), at: at) }
        if choice % 26 == 5, number < 192 {
            let next = Sample.intent("next-\(number)", of: key, generation: 2, port: 30_000 + number)
            try await store.launch(next, to: choice < 50 ? .starting : .ready)
        }
        if choice % 26 == 18, number < 192, choice % 8 != 1 {
            var again = Sample.intent("again-\(number)", of: key, attempt: 1, port: 30_000 + number)
            again.insteadOf = 2
            try await store.commit(.stopping(InstanceID("id-\(number)"), cause: "replaced"), at: at)
            try await store.launch(again, to: .starting)
        }
        if choice % 11 == 10 { try await store.commit(.hold(key, Hold(since: at, by: "ops")), at: at) }
    }
}
