import ModelCore
import Reconciler
import Synchronization
import Testing

@testable import Commands

/// What whoever waits sees on standard error.
struct WaitProgressTests {
    private static let a = ModelKey(domain: "d", source: "a", model: "m")
    private static let b = ModelKey(domain: "d", source: "b", model: "m")
    private static let pulling = ModelCondition(.pulling, "pulling x:1: 3 of 7 layers")

    @Test func withoutATerminalEachChangeIsALine() {
        var page = ProgressPage([Self.a, Self.b], width: nil)
        let first = page.show([(Self.a, Self.pulling), (Self.b, ModelCondition(.pending, "waits for\na slot"))])
        #expect(first == "d/a/m: pulling x:1: 3 of 7 layers\nd/b/m: pending: waits for a slot\n")
        #expect(page.show([(Self.a, Self.pulling), (Self.b, ModelCondition(.starting))]) == "d/b/m: starting\n")
        #expect(page.show([(Self.a, Self.pulling), (Self.b, ModelCondition(.starting))]) == "")
        #expect(page.finish(Self.b) == "")
        #expect(page.show([(Self.b, ModelCondition(.pending))]) == "")
        #expect(page.erase() == "")
    }

    @Test func onATerminalLinesAreWrittenAnew() {
        var page = ProgressPage([Self.a, Self.b], width: 80)
        let first = page.show([(Self.a, Self.pulling), (Self.b, ModelCondition(.starting))])
        #expect(first == "d/a/m: pulling x:1: 3 of 7 layers\nd/b/m: starting\n")
        #expect(page.show([(Self.a, Self.pulling), (Self.b, ModelCondition(.starting))]) == "")
        let next = page.show([(Self.a, Self.pulling), (Self.b, ModelCondition(.ready))])
        #expect(next == "\u{1B}[2A\r\u{1B}[Jd/a/m: pulling x:1: 3 of 7 layers\n")
        #expect(page.finish(Self.b) == "\u{1B}[1A\r\u{1B}[J")
        #expect(page.erase() == "")
    }

    @Test func linesFitTheTerminal() {
        var page = ProgressPage([Self.a], width: 20)
        #expect(page.show([(Self.a, Self.pulling)]) == "d/a/m: pulling x:1…\n")
        let keys = (0..<15).map { ModelKey(domain: "d", source: "s\($0)", model: "m") }
        page = ProgressPage(keys, width: 80)
        let lines = page.show(keys.map { ($0, ModelCondition(.pending)) }).split(separator: "\n")
        #expect(lines.count == 11)
        #expect(lines.last == "… and 5 more")
    }

    /// Others than those that are waited for, and what the end of a wait tells, are no progress.
    @Test(arguments: [ModelState.failed, .held, .standby, .remote, .ready])
    func endsAreNotShown(_ state: ModelState) {
        var page = ProgressPage([Self.a], width: nil)
        #expect(page.show([(Self.a, ModelCondition(state)), (Self.b, Self.pulling)]) == "")
    }

    /// Who waits for a model to go sees what keeps it.
    @Test func everyStateIsProgressToStandby() {
        var page = ProgressPage([Self.a], width: nil, for: .standby)
        #expect(page.show([(Self.a, ModelCondition(.ready))]) == "d/a/m: ready\n")
        #expect(page.show([(Self.a, ModelCondition(.failed, "x"))]) == "d/a/m: failed: x\n")
    }

    @Test func whatConcernsAllIsSaidOnceAndLeavesNothingBehind() {
        var page = ProgressPage([Self.a], width: 80)
        _ = page.show([(Self.a, ModelCondition(.starting))])
        #expect(page.announce("modelet has ended") == "\u{1B}[1A\r\u{1B}[Jmodelet has ended\n")
        #expect(page.announce("modelet has ended") == "")
        #expect(page.show([(Self.a, ModelCondition(.starting))]) == "d/a/m: starting\n")
    }
}
