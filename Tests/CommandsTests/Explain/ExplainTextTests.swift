import ArgumentParser
import ModelCore
import Reconciler
@testable import StateStore
import Testing

@testable import Commands

/// What people read. Each screen is written out, so that a change of it is seen.
@Suite struct ExplainTextTests {
    private func text(_ explanation: Explanation) -> String {
        ExplainText(explanation).lines.joined(separator: "\n")
    }

    @Test func whatServes() {
        let expected = """
            churn/scorer/default is ready

            desired      generation 3 of revision 7: /srv/manifests/churn.yaml:6
                         local_artifact: `python serve.py --port ${PORT}` in /srv/models/churn; fallback http://localhost:5002
                         load: on_demand; demanded by request 2026-11-23T04:17:42Z (5m ago)
                         update: availability, start_timeout: 600s, idle_timeout: 900s, drain_timeout: 30s
            observed     by modelet (pid 123), just now
                         01a20655-44cd-73e0-9e76-cf94e9dc7897: ready since 2026-11-23T04:17:43Z (4m ago), predictions go to it, \
            pid 12648, 127.0.0.1 port 20552, 25.4MiB, 2 in flight
            decision     wait: it is unloaded after being idle for 900s, until 2026-11-23T04:37:30Z (in 14m)
            inputs       demanded; no failures; idle since 2026-11-23T04:22:30Z (12s ago); \
            looked at again 2026-11-23T04:37:30Z (in 14m)
            waits for    it is unloaded after being idle for 900s; until 2026-11-23T04:37:30Z (in 14m)
            operations   4m ago  switch  succeeded  0s     instance is ready
                         5m ago  start   succeeded  232ms  demanded by request
            loads        12; the last took 232ms, usually 240ms
            last failure none is remembered
            next         `modelet restart churn/scorer/default`, `modelet unload churn/scorer/default`, or edit \
            /srv/manifests/churn.yaml:6
            """
        #expect(text(ExplainScenes.serving()) == expected)
    }

    @Test func whatFails() {
        let expected = """
            churn/scorer/default is backoff: exited with code 3 before it was ready

            desired      generation 3 of revision 7: /srv/manifests/churn.yaml:6
                         local_artifact: `python serve.py --port ${PORT}` in /srv/models/churn; fallback http://localhost:5002
                         load: on_demand; demanded by request 2026-11-23T04:17:42Z (5m ago)
                         update: availability, start_timeout: 600s, idle_timeout: 900s, drain_timeout: 30s
            observed     by modelet (pid 123), just now
            decision     wait: exited with code 3 before it was ready, until 2026-11-23T04:23:18Z (in 36s)
            inputs       demanded; 2 failed in a row, no start before 2026-11-23T04:23:18Z (in 36s); \
            looked at again 2026-11-23T04:23:18Z (in 36s)
            waits for    exited with code 3 before it was ready; until 2026-11-23T04:23:18Z (in 36s)
                         callers are held, as long as load_timeout; since 2026-11-23T04:22:17Z (25s ago); \
            until 2026-11-23T04:24:17Z (in 95s)
            operations   25s ago  start  failed  1s  try 2 after: exited with code 3 before it was ready (exited with code 3)
            loads        none has come to something yet
            last failure 2026-11-23T04:22:18Z (24s ago): exited with code 3 before it was ready
                         | line 3
                         | line 4
                         | line 5
                         | line 6
                         | ValueError: no weights
            next         `modelet load churn/scorer/default` tries it at once; `modelet logs churn/scorer/default` shows \
            what its server wrote
            """
        #expect(text(ExplainScenes.failing()) == expected)
    }

    @Test func whatADeadModeletLeft() {
        let text = text(ExplainScenes.orphaned())
        #expect(text.contains("recorded by a modelet that runs no more"))
        #expect(text.contains("its process is still there"))
        // By the same function that a running one decides with.
        #expect(text.contains("(by the next `modelet serve`, where all is as recorded)"))
        #expect(text.contains("next         `modelet serve --manifests /srv/manifests` acts on it again"))
        #expect(!text.contains("in flight"))
        #expect(
            text.contains("decision     wait: it is unloaded after being idle for 900s, until 2026-11-23T04:37:42Z"))
    }

    /// Another directory than it was would be followed no longer, and another state would start the same models again.
    @Test func theNextModeletFindsWhatTheLastOneHad() throws {
        var explanation = ExplainScenes.orphaned()
        explanation.servedRoot = "/srv/served"
        let state = try StateOptions.parse(["--state", "/srv/state"])
        explanation.stateOption = state.spelledOut
        #expect(explanation.advice == "`modelet serve --manifests /srv/served --state /srv/state` acts on it again")
        #expect(try StateOptions.parse([]).spelledOut == "")
        #expect(try StateOptions.parse(["--state", try StateOptions.parse([]).directory]).spelledOut == "")
    }

    @Test func aModeletThatDoesNotAnswer() {
        var explanation = ExplainScenes.serving()
        explanation.daemon = .silent(pid: 123, "modelet did not answer in time")
        let text = text(explanation)
        #expect(text.contains("recorded; modelet (pid 123) could not be asked: modelet did not answer in time"))
        // Judged by the database: nothing is known of requests, so it may be in use.
        #expect(text.contains("decision     wait: it is in use, until"))
        #expect(text.contains("inputs       demanded; no failures; whether it is in use is not known\n"))
    }

    @Test func whatIsUnderWay() {
        var explanation = ExplainScenes.serving()
        explanation.entry.instances = [
            ExplainScenes.instance(.draining) { $0.stopCause = "startup_command: a → b" }
        ]
        explanation.daemon = .answered(pid: 1, ControllerView(decision: DecisionReport(.underway)))
        explanation.operations = [
            ExplainScenes.operation(3, .drain, ago: 2, "startup_command: a → b", took: nil, .open)
        ]
        let text = text(explanation)
        #expect(text.hasPrefix("churn/scorer/default is draining: startup_command: a → b\n"))
        #expect(text.contains("decision     being carried out: drain: startup_command: a → b"))
        #expect(text.contains("operations   2s ago  drain  open  -  startup_command: a → b"))
    }

    @Test func whatWaitsForRoom() {
        var view = ControllerView(decision: DecisionReport(.operate, step: "start", reason: "demanded by request"))
        view.inLineSince = ExplainScenes.ago(8)
        view.nextLook = ExplainScenes.now + 2
        let model = ExplainScenes.model { $0.waiting = "4 starts are under way" }
        let explanation = Explanation(
            entry: ExplainScenes.entry(model), daemon: .answered(pid: 1, view), operations: [], now: ExplainScenes.now)
        let text = text(explanation)
        #expect(text.contains("decision     start an instance of generation 3: demanded by request"))
        #expect(
            text.contains(
                "waits for    4 starts are under way; since 2026-11-23T04:22:34Z (8s ago); until 2026-11-23T04:22:44Z (in 2s)"
            ))
        #expect(text.contains("operations   none are recorded"))
    }

    /// The last line says what helps, in every state.
    @Test func adviceFitsTheState() {
        func advice(_ change: (inout Explanation) -> Void) -> String {
            var explanation = ExplainScenes.serving()
            change(&explanation)
            return explanation.advice
        }
        #expect(
            advice {
                $0.entry = ExplainScenes.entry(
                    ExplainScenes.model { $0.hold = Hold(since: ExplainScenes.now, by: "ann") })
            } == "`modelet load churn/scorer/default` lifts the hold")
        #expect(
            advice { $0.entry = ExplainScenes.entry(ExplainScenes.model { $0.demand = .none }) }
                == "`modelet load churn/scorer/default` loads it, and so does the next request")
        #expect(
            advice { $0.entry = ExplainScenes.entry(ExplainScenes.model { $0.isRemoved = true }) }
                .hasSuffix("`modelet wait churn/scorer/default --for gone` waits for it"))
        #expect(
            advice {
                $0.entry = ExplainScenes.entry(
                    ExplainScenes.model {
                        $0.backoff = Backoff(
                            failures: 1, lastFailure: ExplainScenes.failure(.terminal),
                            nextAttempt: ExplainScenes.now + 600)
                    })
            } == "edit /srv/manifests/churn.yaml:6, or mend what is missing and `modelet load churn/scorer/default`")
        #expect(
            advice {
                $0.entry = ExplainScenes.entry(
                    ExplainScenes.model(), [ExplainScenes.instance { $0.unknownReason = "/proc cannot be read" }])
            }.contains("`modelet forget 01a20655-44cd-73e0-9e76-cf94e9dc7897`"))
        #expect(
            advice { $0.entry = ExplainScenes.entry(ExplainScenes.model { $0.spec.source = nil }) }
                == "edit /srv/manifests/churn.yaml:6 to change where requests go")
    }

    @Test func anEndThatNobodyAskedForIsShownOnceItsFailureIsForgotten() {
        let ended = ExplainScenes.instance(.exited) {
            $0.exit = ExitRecord(kind: .signaled(signal: 9), at: ExplainScenes.ago(3600), message: "ended by SIGKILL")
        }
        var explanation = ExplainScenes.serving()
        explanation.entry.lastEnded = ended
        #expect(text(explanation).contains("last failure 2026-11-23T03:22:42Z (60m ago): ended by SIGKILL (signal 9)"))
        explanation.entry.lastEnded?.stopCause = "unloaded by ann"
        #expect(explanation.failure == nil)
    }

    @Test func whatServesAlthoughItsSuccessorHasFailed() {
        let backoff = Backoff(
            failures: 2, lastFailure: ExplainScenes.failure(), nextAttempt: ExplainScenes.now + 36)
        var explanation = ExplainScenes.serving()
        explanation.entry.model.generation = 4
        explanation.entry.model.backoff = backoff
        explanation.daemon = .answered(
            pid: 1,
            ControllerView(
                decision: DecisionReport(
                    .wait, reason: "BlockedByFailedLoad: \(ExplainScenes.failure().message)",
                    until: backoff.nextAttempt)))
        let text = text(explanation)
        let sentence =
            "BlockedByFailedLoad: generation 4 has failed: exited with code 3 before it was ready; generation 3 serves"
        #expect(text.hasPrefix("churn/scorer/default is ready: \(sentence)\n"), "\(text)")
        #expect(text.contains("transition: \(sentence); tried again 2026-11-23T04:23:18Z (in 36s)\n"))
        #expect(text.contains(", of generation 3, predictions go to it"))
        #expect(text.contains("next         edit /srv/manifests/churn.yaml:6, or `modelet load churn/scorer/default`"))
        // Without a modelet to ask, `decide` says the same.
        explanation.daemon = .silent(pid: 1, "it does not listen")
        #expect(explanation.decision.reason == "BlockedByFailedLoad: \(ExplainScenes.failure().message)")
    }

    @Test func whatIsStartedAgainWhereNothingElseCanBe() {
        var explanation = ExplainScenes.orphaned()
        explanation.entry.instances = []
        explanation.entry.model.generation = 4
        explanation.entry.model.backoff = Backoff(
            failures: 1, lastFailure: ExplainScenes.failure(.terminal), nextAttempt: ExplainScenes.now + 600)
        explanation.lastReady = ExplainScenes.instance(.exited)
        #expect(explanation.decision.step == "restore")
        explanation.lastReady = nil
        #expect(explanation.decision.kind == .wait)
    }

    @Test func whatItsManifestsSayAndIsNotDone() {
        var explanation = ExplainScenes.serving()
        explanation.fault = ManifestFault(file: "churn.yaml", line: 9, column: 3, message: "unknown key `pot`")
        #expect(
            text(explanation).contains(
                "churn.yaml:9:3 is not accepted, and what it last defined stays enforced: unknown key `pot`"))
        #expect(explanation.advice == "mend /srv/manifests/churn.yaml:9:3: what it last defined stays enforced")
        explanation.entry.model.heldRemoval = HeldRemoval(
            since: ExplainScenes.ago(60), remedy: "modelet apply /srv/manifests --prune")
        #expect(text(explanation).contains("RemovalHeld: no manifest defines it any more"))
        #expect(
            explanation.advice
                == "`modelet apply /srv/manifests --prune` removes it, or define it again in /srv/manifests")
    }
}
