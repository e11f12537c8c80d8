import ModelCore
import Reconciler
import StateStore
import Testing

@testable import Commands

/// Images that have moved, in a plan.
struct DriftReportTests {
    private static let key = ModelKey(domain: "d", source: "s", model: "m")

    private static func report() throws -> DriftReport {
        let source = SourceSpec.docker(DockerSpec(image: "x:1", container: ContainerSpec(containerPort: 80)))
        var model = ModelRecord(key: key, spec: ModelSpec(source: source), root: "/r", file: "d.yaml")
        model.drift = "r/x@sha256:bbb"
        var instance = InstanceRecord(
            id: InstanceID("i"), key: key, generation: 1, attempt: 0, source: source, host: "127.0.0.1", port: 1,
            createdAt: Timestamp(milliseconds: 0))
        instance.phase = .ready
        instance.image = "r/x@sha256:aaa"
        return DriftReport(key, try #require(Drift(of: model, instances: [instance])))
    }

    private static let now = Timestamp(milliseconds: 0)

    private static func lines(_ changes: [PlannedChange]) throws -> [String] {
        var outlook = Outlook(
            ApplyReport(revision: 1, isAccepted: false, plan: ChangePlan(root: "/r", changes: changes)), snapshot: nil,
            now: now)
        outlook.drifts = [try report()]
        return outlook.lines(isColoured: false)
    }

    @Test func isALineOfItsOwnAndNoChange() throws {
        #expect(
            try Self.lines([]) == [
                "≠ drift d/s/m  image has moved: sha256:aaa → sha256:bbb; `docker pull x:1`, then "
                    + "`modelet restart d/s/m`, takes it once; `pull: always` follows it",
                "", "No changes: the manifests are what is accepted.",
            ])
    }

    @Test func standsBesideWhatChanges() throws {
        let other = ModelKey(domain: "d", source: "other", model: "m")
        let lines = try Self.lines([PlannedChange(key: other, action: .replace, cause: "image: x:1 → x:2")])
        #expect(lines.prefix(2) == ["To replace", "  ~ d/other/m"])
        #expect(lines.contains { $0.hasPrefix("≠ drift d/s/m  image has moved") })
        #expect(lines.last == "Plan: 1 to replace")
    }

    @Test func isReadByPrograms() throws {
        let text = json([try Self.report()])
        #expect(text.contains(#""running_image" : "r/x@sha256:aaa""#))
        #expect(text.contains(#""current_image" : "r/x@sha256:bbb""#))
    }
}
