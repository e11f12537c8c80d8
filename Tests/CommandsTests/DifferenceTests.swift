import ModelCore
import StateStore
import Testing

@testable import Commands

/// What differs, field by field, and what of it is not shown.
struct DifferenceTests {
    private static let key = ModelKey(domain: "d", source: "s", model: "m")

    private func spec(_ command: String, token: String = "s3cret", header: String? = nil) -> ModelSpec {
        var source = LocalArtifactSpec(path: "/a", startupCommand: command)
        source.environment = ["TOKEN": token]
        var spec = ModelSpec(source: .localArtifact(source))
        spec.headers = header.map { ["Authorization": $0] }
        return spec
    }

    private func lines(_ old: ModelSpec?, _ new: ModelSpec?) -> [String] {
        let models = modelDifferences(
            from: old.map { [Self.key: $0] } ?? [:], to: new.map { [Self.key: $0] } ?? [:])
        return Difference(from: "old", to: "new", models: models).lines(isColoured: false)
    }

    @Test func equalSidesSayNothing() {
        #expect(lines(spec("a"), spec("a")) == [])
    }

    @Test func fieldsAreShownBesideEachOtherAndSecretsAreNot() {
        let shown = lines(spec("a"), spec("b", token: "other s3cret", header: "Bearer s3cret"))
        #expect(
            shown == [
                "--- old", "+++ new", "", "d/s/m", "+ headers.Authorization: …",
                "~ source.environment.TOKEN: changed; its value is not shown", "- source.startup_command: a",
                "+ source.startup_command: b",
            ])
    }

    @Test func whatComesAndGoesIsShownWhole() {
        #expect(lines(nil, spec("a")).contains("d/s/m (new)"))
        #expect(lines(spec("a"), nil).contains("d/s/m (removed)"))
        for shown in [lines(nil, spec("a")), lines(spec("a"), nil)] {
            #expect(!shown.joined().contains("s3cret"))
            #expect(shown.contains { $0.hasSuffix(" source.startup_command: a") })
        }
        #expect(!json(ModelDifference(Self.key, from: nil, to: spec("a", header: "s3cret"))).contains("s3cret"))
    }

    @Test func aTerminalObeysNothingOfAManifest() {
        let shown = lines(spec("a"), spec("b\u{1B}]0;x\u{07}\n\u{202E}c")).joined()
        #expect(!shown.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
        #expect(shown.contains("b\\u{1b}]0;x\\u{7}\\n\\u{202e}c"))
    }

    @Test func ofALongCommandTheWordsThatChangedAreShown() {
        func text(_ old: String?, _ new: String?) -> String {
            FieldText(FieldChange(field: "source.startup_command", old: old, new: new)).line
        }
        #expect(
            text("serve --model m --threads 4 --port ${PORT} -v", "serve --model m --threads 8 --port ${PORT} -v")
                == "source.startup_command: … --threads 4 --port … → … --threads 8 --port …")
        #expect(text("serve -a", "serve -a -b") == "source.startup_command: … -a → … -a -b")
        #expect(text("a b c d", "a b c d e") == "source.startup_command: … d → … d e")
        #expect(text("x", "y") == "source.startup_command: x → y")
        #expect(text(nil, "serve a b c") == "source.startup_command: (not set) → serve a b c")
    }

    @Test func revisionsAreListedTheLatestFirst() {
        let root = RootSnapshot(
            path: "/m", revision: 3, acceptedAt: nil,
            pin: RootPin(revision: 1, since: Timestamp(milliseconds: 0), by: "ann", pending: "1 to create"))
        let many = (0..<3).map { number in
            RevisionRecord.Change(
                key: ModelKey(domain: "d", source: "s\(number)", model: "m"), action: number > 0 ? "create" : "remove",
                fields: "")
        }
        let revisions = [
            RevisionRecord(
                number: 1, root: "/m", acceptedAt: Timestamp(milliseconds: 1_750_000_000_123), cause: "",
                changes: [RevisionRecord.Change(key: Self.key, action: "replace", fields: "image: a → b")]),
            RevisionRecord(
                number: 2, root: "/m", acceptedAt: Timestamp(milliseconds: 1_750_000_060_000), cause: "applied by bob",
                changes: many),
            RevisionRecord(
                number: 3, root: "/m", acceptedAt: Timestamp(milliseconds: 1_750_000_120_000),
                cause: "rollback to revision 1 by ann", restored: 1),
        ]
        let listing = RevisionListing(revisions, roots: [root])
        #expect(
            listing.lines == [
                "REVISION    ACCEPTED              WHY                            CHANGES",
                "3           2025-06-15T15:08:40Z  rollback to revision 1 by ann  nothing",
                "2           2025-06-15T15:07:40Z  applied by bob                 2 create, 1 remove",
                "1 (pinned)  2025-06-15T15:06:40Z  -                              replace d/s/m (image: a → b)", "",
                "/m is pinned at revision 1 by ann: edits of its manifests are pending (1 to create); "
                    + "`modelet apply /m` unpins",
            ])
        #expect(listing.document.revisions.map(\.revision) == [3, 2, 1])
        #expect(listing.document.revisions.map(\.pinned) == [false, false, true])
    }
}
