import ModelCore
import Reconciler
import Testing

@testable import Commands

/// What programs read: docs/explain.md promises these names.
@Suite struct ExplainReportTests {
    @Test func whatServes() {
        #expect(json(ExplainReport(ExplainScenes.serving())) == Self.serving)
    }

    @Test func whatFails() {
        #expect(json(ExplainReport(ExplainScenes.failing())) == Self.failing)
    }

    @Test func whatADeadModeletLeft() {
        let text = json(ExplainReport(ExplainScenes.orphaned()))
        #expect(text.contains("\"daemon\" : {\n    \"state\" : \"absent\"\n  }"))
        #expect(text.contains(#""is_running" : true"#))
        #expect(!text.contains("in_flight"))
    }

    @Test(arguments: [(nil, nil, "r:latest"), ("v1", nil, "r:v1"), ("v1", "sha256:aa", "r@sha256:aa")])
    func anImageInECRIsNamedByWhatIsPulled(tag: String?, digest: String?, name: String) {
        var spec = ECRSpec(repository: "r", container: ContainerSpec(containerPort: 80))
        (spec.tag, spec.digest) = (tag, digest)
        #expect(ModelSpec(source: .ecr(spec)).whatRuns == name)
    }

    private static let serving =
        #"""
        {
          "at" : "2026-11-23T04:22:42.489Z",
          "daemon" : {
            "pid" : 123,
            "state" : "answered"
          },
          "decision" : {
            "kind" : "wait",
            "reason" : "it is unloaded after being idle for 900s",
            "until" : "2026-11-23T04:37:30.489Z"
          },
          "desired" : {
            "base_url" : "http://localhost:5002",
            "demand" : {
              "by" : "request",
              "since" : "2026-11-23T04:17:42.489Z"
            },
            "drain_timeout_seconds" : 30,
            "file" : "churn.yaml",
            "generation" : 3,
            "idle_timeout_seconds" : 900,
            "is_pinned" : false,
            "is_removed" : false,
            "line" : 6,
            "load" : "on_demand",
            "load_timeout_seconds" : 120,
            "revision" : 7,
            "root" : "/srv/manifests",
            "runs" : "python serve.py --port ${PORT}",
            "start_timeout_seconds" : 600,
            "type" : "local_artifact",
            "update" : "availability"
          },
          "inputs" : {
            "failures" : 0,
            "idle_since" : "2026-11-23T04:22:30.489Z",
            "is_demanded" : true,
            "is_held" : false,
            "is_removed" : false,
            "is_shutting_down" : false,
            "is_supplied" : true,
            "next_look_at" : "2026-11-23T04:37:30.489Z"
          },
          "instances" : [
            {
              "address" : "127.0.0.1",
              "generation" : 3,
              "host" : "localhost",
              "id" : "01a20655-44cd-73e0-9e76-cf94e9dc7897",
              "in_flight" : 2,
              "is_adopted" : false,
              "is_routed" : true,
              "last_answer_at" : "2026-11-23T04:22:30.489Z",
              "memory_bytes" : 26634240,
              "phase" : "ready",
              "pid" : 12648,
              "port" : 20552,
              "ready_at" : "2026-11-23T04:17:43.489Z",
              "shim_pid" : 12640,
              "since" : "2026-11-23T04:17:43.489Z",
              "started_at" : "2026-11-23T04:17:42.489Z"
            }
          ],
          "loads" : {
            "count" : 12,
            "last_seconds" : 0.232,
            "usual_seconds" : 0.24
          },
          "model" : "churn/scorer/default",
          "next" : "`modelet restart churn/scorer/default`, `modelet unload churn/scorer/default`, or edit /srv/manifests/churn.yaml:6",
          "operations" : [
            {
              "cause" : "instance is ready",
              "closed_at" : "2026-11-23T04:17:43.489Z",
              "id" : 2,
              "instance" : "01a20655-44cd-73e0-9e76-cf94e9dc7897",
              "kind" : "switch",
              "opened_at" : "2026-11-23T04:17:43.489Z",
              "outcome" : "succeeded",
              "took_seconds" : 0
            },
            {
              "cause" : "demanded by request",
              "closed_at" : "2026-11-23T04:17:42.721Z",
              "id" : 1,
              "instance" : "01a20655-44cd-73e0-9e76-cf94e9dc7897",
              "kind" : "start",
              "opened_at" : "2026-11-23T04:17:42.489Z",
              "outcome" : "succeeded",
              "took_seconds" : 0.232
            }
          ],
          "state" : "ready",
          "waits" : [
            {
              "reason" : "it is unloaded after being idle for 900s",
              "until" : "2026-11-23T04:37:30.489Z"
            }
          ]
        }
        """#
    private static let failing =
        #"""
        {
          "at" : "2026-11-23T04:22:42.489Z",
          "daemon" : {
            "pid" : 123,
            "state" : "answered"
          },
          "decision" : {
            "kind" : "wait",
            "reason" : "exited with code 3 before it was ready",
            "until" : "2026-11-23T04:23:18.489Z"
          },
          "desired" : {
            "base_url" : "http://localhost:5002",
            "demand" : {
              "by" : "request",
              "since" : "2026-11-23T04:17:42.489Z"
            },
            "drain_timeout_seconds" : 30,
            "file" : "churn.yaml",
            "generation" : 3,
            "idle_timeout_seconds" : 900,
            "is_pinned" : false,
            "is_removed" : false,
            "line" : 6,
            "load" : "on_demand",
            "load_timeout_seconds" : 120,
            "revision" : 7,
            "root" : "/srv/manifests",
            "runs" : "python serve.py --port ${PORT}",
            "start_timeout_seconds" : 600,
            "type" : "local_artifact",
            "update" : "availability"
          },
          "inputs" : {
            "called_since" : "2026-11-23T04:22:17.489Z",
            "failures" : 2,
            "is_demanded" : true,
            "is_held" : false,
            "is_removed" : false,
            "is_shutting_down" : false,
            "is_supplied" : true,
            "next_attempt_at" : "2026-11-23T04:23:18.489Z",
            "next_look_at" : "2026-11-23T04:23:18.489Z"
          },
          "instances" : [

          ],
          "last_failure" : {
            "at" : "2026-11-23T04:22:18.489Z",
            "exit_code" : 3,
            "failures" : 2,
            "is_final" : false,
            "is_out_of_memory" : false,
            "log" : [
              "line 1",
              "line 2",
              "line 3",
              "line 4",
              "line 5",
              "line 6",
              "ValueError: no weights"
            ],
            "message" : "exited with code 3 before it was ready",
            "next_attempt_at" : "2026-11-23T04:23:18.489Z"
          },
          "model" : "churn/scorer/default",
          "next" : "`modelet load churn/scorer/default` tries it at once; `modelet logs churn/scorer/default` shows what its server wrote",
          "operations" : [
            {
              "cause" : "try 2 after: exited with code 3 before it was ready",
              "closed_at" : "2026-11-23T04:22:18.489Z",
              "id" : 4,
              "instance" : "01a20655-44cd-73e0-9e76-cf94e9dc7897",
              "kind" : "start",
              "message" : "exited with code 3",
              "opened_at" : "2026-11-23T04:22:17.489Z",
              "outcome" : "failed",
              "took_seconds" : 1
            }
          ],
          "reason" : "exited with code 3 before it was ready",
          "state" : "backoff",
          "waits" : [
            {
              "reason" : "exited with code 3 before it was ready",
              "until" : "2026-11-23T04:23:18.489Z"
            },
            {
              "reason" : "callers are held, as long as load_timeout",
              "since" : "2026-11-23T04:22:17.489Z",
              "until" : "2026-11-23T04:24:17.489Z"
            }
          ]
        }
        """#
}
