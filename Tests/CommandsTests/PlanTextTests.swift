import ModelCore
import Reconciler
import Testing

@testable import Commands

/// Plans, as people and as programs read them.
struct PlanTextTests {
    private static let now = Timestamp(milliseconds: 100_000)

    private static func key(_ source: String) -> ModelKey { ModelKey(domain: "d", source: source, model: "m") }

    /// One of everything.
    private static let report = ApplyReport(
        revision: 7, isAccepted: false, pin: RootPin(revision: 3, since: Timestamp(milliseconds: 5), by: "ann"),
        unpins: RootPin(revision: 3, since: Timestamp(milliseconds: 5), by: "ann"),
        plan: ChangePlan(
            root: "/m", scope: "part",
            changes: [
                PlannedChange(
                    key: key("gone"), action: .remove, cause: "no longer defined by any manifest",
                    effect: PlannedEffect(.stops, "it ends")),
                PlannedChange(
                    key: key("new"), action: .create, cause: "defined in part/new.yaml", file: "part/new.yaml", line: 3,
                    effect: PlannedEffect(.waitsForDemand, "loaded by its first request")),
                PlannedChange(
                    key: key("run"), action: .replace, cause: "source.image: v1 → v2",
                    fields: [
                        FieldChange(field: "source.environment.TOKEN", old: "…", new: "…"),
                        FieldChange(field: "source.image", old: "v1", new: "v2"),
                    ], file: "part/run.yaml", line: 9, effect: PlannedEffect(.replacedBeside, "beside")),
                PlannedChange(
                    key: key("route"), action: .update, cause: "timeout: (not set) → 5s",
                    fields: [FieldChange(field: "timeout", old: nil, new: "5s")], file: "part/run.yaml", line: 20,
                    effect: PlannedEffect(.appliedLive, "at once")),
            ],
            heldRemovals: [key("x"), key("y")], removalRemedy: "modelet apply /m --prune",
            brokenFiles: ["part/bad.yaml", "part/new-bad.yaml"], lastGood: ["part/bad.yaml": 2],
            blocked: [
                BlockedModel(
                    key: key("stuck"), servingGeneration: 1, wantedGeneration: 2, reason: "exited with code 1",
                    fields: [FieldChange(field: "image", old: "v1", new: "v9")],
                    nextAttempt: Timestamp(milliseconds: 130_000)),
                BlockedModel(
                    key: key("run"), servingGeneration: 4, wantedGeneration: 5, reason: "not found", fields: [],
                    nextAttempt: nil),
            ],
            diagnostics: [Diagnostic(.error, file: "part/bad.yaml", line: 2, column: 3, message: "wrong")]))

    private static let text = [
        "To create", "  + d/new/m  part/new.yaml:3", "      » loaded by its first request", "",
        "To replace", "  ~ d/run/m  part/run.yaml:9",
        "      source.environment.TOKEN: changed; its value is not shown", "      source.image: v1 → v2",
        "      » beside", "",
        "To update", "  ~ d/route/m  part/run.yaml:20", "      timeout: (not set) → 5s", "      » at once", "",
        "To remove", "  - d/gone/m", "      no longer defined by any manifest", "      » it ends", "",
        "! removal of 2 held (RemovalHeld): d/x/m, d/y/m",
        "  they stay as they are; `modelet apply /m --prune` removes them",
        "! not accepted, its last good content (2 models) stays enforced: part/bad.yaml",
        "! not accepted, and nothing of it is enforced: part/new-bad.yaml",
        "! blocked (BlockedByFailedLoad): d/stuck/m cannot load generation 2, generation 1 serves on: "
            + "exited with code 1",
        "    image: v1 → v9",
        "  mend it and it is tried at once; so it is by `modelet load d/stuck/m`, and by itself in 30s",
        "! blocked (BlockedByFailedLoad): d/run/m cannot load generation 5, generation 4 serves on: not found",
        "  the change above is tried at once", "",
    ]

    @Test func isGroupedByWhatIsDone() {
        let lines = PlanText(report: Self.report, now: Self.now).lines(isColoured: false)
        #expect(lines == Self.text)
    }

    @Test func endsWithThePinAndTheSum() {
        let outlook = Outlook(Self.report, snapshot: nil, now: Self.now)
        #expect(
            outlook.lines(isColoured: false).suffix(2) == [
                "/m is pinned at revision 3 by ann: edits of its manifests wait; `modelet apply /m` unpins",
                "Plan: 1 to create, 1 to replace, 1 to update, 1 to remove, 2 removals held",
            ])
    }

    @Test func isColouredOnlyWhereAskedTo() {
        let coloured = PlanText(report: Self.report, now: Self.now).lines(isColoured: true)
        #expect(coloured[1] == "  \u{1B}[32m+ d/new/m\u{1B}[0m\u{1B}[2m  part/new.yaml:3\u{1B}[0m")
        let bare = coloured.map { line in
            var line = line
            for code in ["0", "1", "2", "31", "32", "33", "36"] {
                line = line.split(separator: "\u{1B}[\(code)m", omittingEmptySubsequences: false).joined()
            }
            return line
        }
        #expect(bare == Self.text)
    }

    /// The exact form is promised in docs/plan.md: whoever changes this changes `version`, or only adds.
    @Test func isReadByProgramsInThisForm() {
        #expect(json(PlanDocument(Self.report)) == Self.golden)
    }

    @Test func isTheSameDocumentInYAML() {
        let lines = yaml(PlanDocument(Self.report)).split(separator: "\n").map(String.init)
        #expect(
            lines.prefix(9) == [
                "accepted: false", "blocked:", "  - fields:", "      - field: image", "        new: v9",
                "        old: v1", "    key: d/stuck/m", "    next_attempt: 130000",
                "    reason: \"exited with code 1\"",
            ])
        #expect(lines.suffix(5) == ["unpins:", "  by: ann", "  revision: 3", "  since: 5", "version: 1"])
    }

    @Test func yamlKeepsEveryTextAText() {
        let texts = [
            "", "true", "No", "1", "1.5", "-", "a: b", "a #b", "ä", "null", "plain-text_1.yaml", "x\ny",
        ]
        #expect(
            yaml(["t": texts]).split(separator: "\n").dropFirst().map { String($0.dropFirst(4)) } == [
                "\"\"", "\"true\"", "\"No\"", "\"1\"", "\"1.5\"", "\"-\"", "\"a: b\"", "\"a #b\"",
                "\"ä\"", "\"null\"", "plain-text_1.yaml", "\"x\\ny\"",
            ])
        #expect(!yaml(["t": "\u{1B}[0m"]).contains("\u{1B}"))
        #expect(yaml([[String]]()) == "[]")
        #expect(yaml(["a": [[1, 2], []]]) == "a:\n  - - 1\n    - 2\n  - []")
    }

    private static let golden = """
        {
          "accepted" : false,
          "blocked" : [
            {
              "fields" : [
                {
                  "field" : "image",
                  "new" : "v9",
                  "old" : "v1"
                }
              ],
              "key" : "d/stuck/m",
              "next_attempt" : 130000,
              "reason" : "exited with code 1",
              "serving_generation" : 1,
              "wanted_generation" : 2
            },
            {
              "fields" : [

              ],
              "key" : "d/run/m",
              "reason" : "not found",
              "serving_generation" : 4,
              "wanted_generation" : 5
            }
          ],
          "broken_files" : [
            "part/bad.yaml",
            "part/new-bad.yaml"
          ],
          "changes" : [
            {
              "action" : "remove",
              "cause" : "no longer defined by any manifest",
              "effect" : {
                "kind" : "stops",
                "sentence" : "it ends"
              },
              "fields" : [

              ],
              "key" : "d/gone/m"
            },
            {
              "action" : "create",
              "cause" : "defined in part/new.yaml",
              "effect" : {
                "kind" : "waits_for_demand",
                "sentence" : "loaded by its first request"
              },
              "fields" : [

              ],
              "file" : "part/new.yaml",
              "key" : "d/new/m",
              "line" : 3
            },
            {
              "action" : "replace",
              "cause" : "source.image: v1 → v2",
              "effect" : {
                "kind" : "replaced_beside",
                "sentence" : "beside"
              },
              "fields" : [
                {
                  "field" : "source.environment.TOKEN",
                  "new" : "…",
                  "old" : "…"
                },
                {
                  "field" : "source.image",
                  "new" : "v2",
                  "old" : "v1"
                }
              ],
              "file" : "part/run.yaml",
              "key" : "d/run/m",
              "line" : 9
            },
            {
              "action" : "update",
              "cause" : "timeout: (not set) → 5s",
              "effect" : {
                "kind" : "applied_live",
                "sentence" : "at once"
              },
              "fields" : [
                {
                  "field" : "timeout",
                  "new" : "5s"
                }
              ],
              "file" : "part/run.yaml",
              "key" : "d/route/m",
              "line" : 20
            }
          ],
          "diagnostics" : [
            {
              "column" : 3,
              "file" : "part/bad.yaml",
              "is_about_disk" : false,
              "line" : 2,
              "message" : "wrong",
              "severity" : "error"
            }
          ],
          "drifts" : [

          ],
          "held_removals" : [
            "d/x/m",
            "d/y/m"
          ],
          "last_good" : [
            {
              "file" : "part/bad.yaml",
              "models" : 2
            }
          ],
          "pinned" : {
            "by" : "ann",
            "revision" : 3,
            "since" : 5
          },
          "removal_remedy" : "modelet apply /m --prune",
          "revision" : 7,
          "root" : "/m",
          "scope" : "part",
          "unpins" : {
            "by" : "ann",
            "revision" : 3,
            "since" : 5
          },
          "version" : 1
        }
        """
}
