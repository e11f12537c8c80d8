import ModelCore
import Reconciler
import StateStore
import Testing

@testable import Commands

/// Events as people and programs read them, and how they are asked for.
@Suite struct EventsTests {
    private static let key = ModelKey(domain: "churn", source: "scorer", model: "default")
    private static let time = Timestamp(milliseconds: 1_795_407_762_489)

    private static func event(_ id: Int64, _ kind: String, _ message: String, key: ModelKey? = key) -> EventRecord {
        EventRecord(id: id, at: time, key: key, kind: kind, message: message)
    }

    @Test func isALineEachInColumnsThatOnlyGrow() {
        var columns = EventColumns(isColoured: false)
        let first = columns.lines([
            Self.event(1, "root", "manifests below /m are followed", key: nil), Self.event(2, "ready", "answers\nat 1"),
        ])
        #expect(
            first == [
                "2026-11-23T04:22:42.489Z  -                     root   manifests below /m are followed",
                "2026-11-23T04:22:42.489Z  churn/scorer/default  ready  answers at 1",
            ])
        let next =
            columns.lines([Self.event(3, "unrouted", "x")]) + columns.lines([Self.event(4, "ready", "y", key: nil)])
        #expect(
            next == [
                "2026-11-23T04:22:42.489Z  churn/scorer/default  unrouted  x",
                "2026-11-23T04:22:42.489Z  -                     ready     y",
            ])
    }

    @Test func whatWentWrongIsColouredOnATerminal() {
        var columns = EventColumns(isColoured: true)
        let lines = columns.lines([Self.event(1, "backoff", "x"), Self.event(2, "starting", "y")])
        #expect(lines[0].hasPrefix("\u{1B}[31m2026-") && lines[0].hasSuffix("x\u{1B}[0m"))
        #expect(lines[1].hasPrefix("2026-"))
    }

    @Test(
        arguments: [
            ("backoff", "exited", "31"), ("backoff", "failed loads are forgotten", nil), ("blocked", "x", "33"),
            ("held", "unloaded by ann", "33"), ("held", "no longer held", nil), ("ready", "answers", "32"),
        ] as [(String, String, String?)])
    func theEndOfTroubleIsNoTrouble(kind: String, message: String, colour: String?) {
        var columns = EventColumns(isColoured: true)
        let line = columns.lines([Self.event(1, kind, message)])[0]
        #expect(line.hasPrefix(colour.map { "\u{1B}[\($0)m2026-" } ?? "2026-"))
    }

    @Test func programsReadWhatTheViewHas() {
        var event = Self.event(7, "ready", "answers at \"x\"")
        event.instance = InstanceID("i")
        #expect(
            jsonLine(EventReport(event))
                == #"{"at":"2026-11-23T04:22:42.489Z","id":7,"instance":"i","key":"churn/scorer/default","#
                + #""kind":"ready","message":"answers at \"x\""}"#)
        #expect(
            json(EventList(events: [EventReport(Self.event(8, "root", "m", key: nil))])) == """
                {
                  "events" : [
                    {
                      "at" : "2026-11-23T04:22:42.489Z",
                      "id" : 8,
                      "kind" : "root",
                      "message" : "m"
                    }
                  ]
                }
                """)
    }

    @Test(arguments: [
        ("10m", 600_000), ("90s", 90_000), ("1h30m", 5_400_000), ("500ms", 500), ("2d", 172_800_000), ("0d", 0),
    ])
    func timeMayBeSaidAsASpan(text: String, milliseconds: Int64) throws {
        let since = try PastTime.parse(text, now: Self.time)
        #expect(Self.time - since == Seconds(milliseconds: milliseconds))
    }

    @Test func timeMayBeSaidAsATime() throws {
        #expect(try PastTime.parse("2026-11-23T06:22:42.489+02:00", now: Self.time) == Self.time)
    }

    @Test(arguments: ["", "10", "yesterday", "-5m", "2026-11-23", "9999999999d", "d"])
    func whatIsNoTimeIsAMistakeOfUsage(text: String) {
        let failure = #expect(throws: CommandFailure.self) { try PastTime.parse(text, now: Self.time) }
        #expect(failure?.status == ExitStatus.usage)
    }

    @Test func whoFindsNothingIsToldWhetherHeHasMistyped() {
        func mistake(_ scope: String?, _ kinds: Set<String> = []) -> String? {
            EventRemarks.mistake(
                in: EventQuery(scope: scope, kinds: kinds), kinds: ["held", "ready"], models: [Self.key])?.message
        }
        #expect(mistake(nil) == nil)
        #expect(mistake("churn") == nil)
        #expect(mistake("churn/scorer") == nil)
        #expect(mistake("churn/scorer/default", ["held"]) == nil)
        #expect(mistake("chur") == "there is no model chur, and no event of one; the domains are churn")
        #expect(
            mistake("churn/scores")
                == "there is no model churn/scores, and no event of one; did you mean churn/scorer/default?")
        #expect(mistake(nil, ["reddy"]) == "no event of the kind reddy is recorded; the kinds that are: held, ready")
    }

    @Test func whatIsNoLongerKeptIsSaid() {
        let kept = EventRange(oldest: 500, newest: 10_499, since: Self.time)
        func remark(_ since: Timestamp?, _ kept: EventRange) -> String? {
            EventRemarks.onWhatIsGone(EventQuery(since: since), kept)
        }
        #expect(
            remark(Self.time + -1, kept) == "modelet: events from before 2026-11-23T04:22:42.489Z are no longer kept")
        #expect(remark(Self.time, kept) == nil)
        #expect(remark(nil, kept) == nil)
        // Nothing was before the first.
        #expect(remark(Self.time + -1, EventRange(oldest: 1, newest: 9, since: Self.time)) == nil)
    }
}
