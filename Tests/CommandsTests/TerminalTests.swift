import ModelCore
import Reconciler
@testable import StateStore
import Testing

@testable import Commands

/// What a manifest or a model server says is shown, and never obeyed by a terminal.
struct TerminalTests {
    /// Sets a terminal's title, clears it, and turns the direction of writing.
    private static let evil = "a\u{1B}]0;x\u{7}\u{1B}[2J\u{202E}b"
    private static let shown = "a\\u{1b}]0;x\\u{7}\\u{1b}[2J\\u{202e}b"
    private static let key = ModelKey(domain: "d", source: "s", model: "m")
    private static let now = ExplainScenes.now

    /// That everything is on its own line, and all of it is plain.
    private func check(_ lines: [String], sourceLocation: SourceLocation = #_sourceLocation) {
        for line in lines {
            let isPlain = line.unicodeScalars.allSatisfy { scalar in
                ![.control, .format, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
            }
            #expect(isPlain, "\(line.debugDescription)", sourceLocation: sourceLocation)
        }
        #expect(lines.contains { $0.contains(Self.shown) }, "\(lines)", sourceLocation: sourceLocation)
    }

    @Test func severalLinesBecomeOne() {
        #expect("a\nb\r\n\tc\u{2028}d".printableLine == "a b c d")
        #expect("a\u{1B}[2J\nb\n".printableLines == "a\\u{1b}[2J\nb\n")
    }

    @Test func anExplanation() {
        var explanation = ExplainScenes.failing()
        explanation.entry.model.spec.source = .localArtifact(
            LocalArtifactSpec(path: "/p", startupCommand: "python '\(Self.evil)'"))
        explanation.entry.model.backoff?.lastFailure.message = "first\n\(Self.evil)"
        explanation.operations = [ExplainScenes.operation(1, .start, ago: 3, Self.evil, message: "x\n\(Self.evil)")]
        let lines = ExplainText(explanation).lines
        check(lines)
        #expect(lines.contains { $0.contains("python '\(Self.shown)'") })
        #expect(lines.contains { $0.contains("\(Self.shown) (x \(Self.shown))") })
    }

    @Test func anEvent() {
        var columns = EventColumns(isColoured: false)
        let event = EventRecord(id: 1, at: Self.now, key: Self.key, kind: "backoff", message: "x\n\(Self.evil)")
        check(columns.lines([event]))
    }

    @Test func aStatus() {
        var entry = ExplainScenes.entry(ExplainScenes.model { $0.waiting = Self.evil })
        entry.model.heldRemoval = HeldRemoval(since: Self.now, remedy: "modelet apply /\(Self.evil) --prune")
        var root = RootSnapshot(
            path: "/\(Self.evil)", revision: 1, acceptedAt: nil, pin: RootPin(revision: 1, since: Self.now, by: "ann"))
        root.faults = [
            RecordedFault(
                fault: ManifestFault(file: "\(Self.evil).yaml", line: 1, column: 1, message: Self.evil), since: Self.now
            )
        ]
        let snapshot = StateSnapshot(uuid: "u", epoch: 1, models: [entry], roots: [root], standings: [])
        check(StatusText(snapshot: snapshot, now: Self.now).lines)
    }

    @Test func aPlanAndADifference() {
        let file = "\(Self.evil).yaml"
        let plan = ChangePlan(
            root: "/\(Self.evil)",
            changes: [PlannedChange(key: Self.key, action: .create, cause: "x", file: file, line: 1)],
            heldRemovals: [Self.key], removalRemedy: "modelet apply /\(Self.evil) --prune",
            brokenFiles: [file, "known\(file)"], lastGood: ["known\(file)": 1])
        let report = ApplyReport(
            revision: 1, isAccepted: false, pin: RootPin(revision: 1, since: Self.now, by: "ann"), plan: plan)
        let lines = Outlook(report, snapshot: nil, now: Self.now).lines(isColoured: false)
        check(lines)
        #expect(lines.filter { $0.contains(Self.shown) }.count == 5, "\(lines)")
        let spec = ModelSpec(endpoint: Self.evil)
        check(
            Difference(
                from: "accepted", to: "/\(Self.evil)", models: modelDifferences(from: [:], to: [Self.key: spec])
            ).lines(isColoured: false))
    }
}
