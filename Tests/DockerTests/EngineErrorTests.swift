import Docker
import Testing

@Suite("Engine errors")
struct EngineErrorTests {
    @Test("errors of the engine are told apart by status")
    func statusTellsErrorsApart() {
        #expect(EngineError.refused(status: 404, message: "no such container") != .refused(status: 409, message: ""))
    }
}
