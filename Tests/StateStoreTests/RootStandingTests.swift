import ModelCore
import Reconciler
import TestSupport
import Testing

@testable import StateStore

/// In whose place a root is named, as readers find it who write nothing.
@Suite struct RootStandingTests {
    @Test func aReaderTellsWhatTheWriterWillDo() async throws {
        let state = try State()
        let store = try state.open()
        try await store.serve(directory: "/former", at: Sample.time(0))
        try await store.accept([Sample.manifest()], root: "/former")
        try await store.serve(directory: "/m/inner", at: Sample.time(1))
        try await store.accept([Sample.manifest(Sample.otherKey)], root: "/m/inner")
        for root in ["/m", "/m/inner", "/", "/elsewhere"] {
            let snapshot = try #require(try StateReader(state.directory).snapshot())
            #expect(snapshot.predecessors(of: root) == (try await store.predecessors(of: root)), "\(root)")
        }
        #expect(try await store.predecessors(of: "/m") == ["/former", "/m/inner"])
        #expect(try await store.predecessors(of: "/") == ["/former", "/m/inner"])
        #expect(try await store.predecessors(of: "/elsewhere") == [])
        _ = try await store.accept(Acceptance(), root: "/m", cause: .applied(by: "ann"), at: Sample.time(2))
        #expect(try state.query("SELECT path FROM root WHERE is_served") == ["/m"])
        try store.close()
    }
}
