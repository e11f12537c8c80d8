import ModelCore
import Testing

struct JudgeTests {
    private static let root = "/manifests"

    private func key(_ model: String) -> ModelKey { ModelKey(domain: "d", source: "s", model: model) }

    /// A spec that no other name has.
    private func spec(_ command: String) -> ModelSpec { Situation.spec(source: Situation.artifact(command: command)) }

    private func manifest(_ name: String, _ spec: ModelSpec? = nil, file: String = "d.yaml") -> ManifestModel {
        ManifestModel(key: key(name), spec: spec ?? self.spec(name), file: file, line: 1)
    }

    private func accepted(_ names: [String]) -> [ModelRecord] {
        names.map { Situation.model(spec($0), key: key($0)) }
    }

    private func keys(_ names: String...) -> [ModelKey] { names.map(key) }

    // MARK: - Changes

    @Test func nothingNewChangesNothing() {
        let set = ManifestSet(models: [manifest("b"), manifest("a")])
        #expect(judge(set, root: Self.root, accepted: accepted(["a", "b"])) == Acceptance())
        #expect(judge(set, root: Self.root, accepted: accepted(["a", "b"])).isEmpty)
        #expect(judge(ManifestSet(), root: Self.root, accepted: []) == Acceptance())
    }

    @Test func aNewModelBeginsWithGenerationOne() throws {
        let acceptance = judge(
            ManifestSet(models: [manifest("b"), manifest("a")]), root: Self.root, accepted: [])
        #expect(acceptance.changes.map(\.model.key) == keys("a", "b"))
        #expect(acceptance.changes.allSatisfy { $0.isNew && $0.generation == 1 && $0.fields.isEmpty })
        #expect(!acceptance.changes.contains { $0.replacesInstance })
    }

    @Test func aRunFieldMakesANewGeneration() throws {
        let acceptance = judge(
            ManifestSet(models: [manifest("a", spec("other"))]), root: Self.root, accepted: accepted(["a"]))
        let change = try #require(acceptance.changes.first)
        #expect(change.generation == 2)
        #expect(change.replacesInstance)
        #expect(change.fields == [FieldChange(field: "source.startup_command", old: "a", new: "other")])
    }

    @Test func aRouteFieldDoesNot() throws {
        var edited = spec("a")
        edited.timeout = 5
        guard case .localArtifact(var artifact) = edited.source else { return }
        artifact.startupDelay = 3
        edited.source = .localArtifact(artifact)
        let acceptance = judge(
            ManifestSet(models: [manifest("a", edited)]), root: Self.root, accepted: accepted(["a"]))
        let change = try #require(acceptance.changes.first)
        #expect(change.generation == 1)
        #expect(!change.replacesInstance)
        #expect(
            change.fields.map(\.description) == ["source.startup_delay: (not set) → 3s", "timeout: (not set) → 5s"])
    }

    @Test func losingOrGainingASourceReplaces() {
        let remote = Situation.spec(source: nil)
        let lost = judge(ManifestSet(models: [manifest("a", remote)]), root: Self.root, accepted: accepted(["a"]))
        #expect(lost.changes.map(\.replacesInstance) == [true])
        let gained = judge(
            ManifestSet(models: [manifest("a")]), root: Self.root, accepted: [Situation.model(remote, key: key("a"))])
        #expect(gained.changes.map(\.generation) == [2])
    }

    @Test func aMoveToAnotherFileIsNoChange() {
        let acceptance = judge(
            ManifestSet(models: [manifest("a", file: "e.yaml")]), root: Self.root, accepted: accepted(["a"]))
        #expect(acceptance.isEmpty)
        #expect(acceptance.moves.map(\.file) == ["e.yaml"])
    }

    @Test func aDefaultThatIsWrittenOutIsNoChange() {
        var explicit = spec("a")
        explicit.timeout = 30
        explicit.load = .onDemand
        let set = ManifestSet(models: [manifest("a", explicit)])
        #expect(judge(set, root: Self.root, accepted: accepted(["a"])) == Acceptance())
        let back = judge(
            ManifestSet(models: [manifest("a")]), root: Self.root, accepted: [Situation.model(explicit, key: key("a"))])
        #expect(back == Acceptance())
    }

    @Test func aChangeNamesTheFieldsThatSaySomethingElse() throws {
        var edited = spec("a")
        edited.timeout = 30
        edited.maxQueue = 7
        let acceptance = judge(
            ManifestSet(models: [manifest("a", edited)]), root: Self.root, accepted: accepted(["a"]))
        #expect(acceptance.changes.first?.fields.map(\.description) == ["max_queue: (not set) → 7"])
        #expect(acceptance.changes.first?.model.spec == edited)
    }

    @Test func aModelThatComesBackIsAChange() {
        var removed = accepted(["a"])
        removed[0].isRemoved = true
        let acceptance = judge(ManifestSet(models: [manifest("a")]), root: Self.root, accepted: removed)
        #expect(acceptance.changes.count == 1)
        #expect(acceptance.changes.allSatisfy { !$0.isNew && !$0.replacesInstance && $0.generation == 1 })
    }

    @Test func anotherRootsModelIsRefused() {
        let set = ManifestSet(models: [manifest("a", spec("other")), manifest("b")])
        let acceptance = judge(set, root: "/elsewhere", accepted: accepted(["a"]))
        #expect(acceptance.refused == keys("a"))
        #expect(acceptance.changes.map(\.model.key) == keys("b"))
        #expect(acceptance.removals.isEmpty)
    }

    @Test func whatAnotherRootHasRemovedIsFree() {
        var removed = accepted(["a"])
        removed[0].isRemoved = true
        let acceptance = judge(ManifestSet(models: [manifest("a")]), root: "/elsewhere", accepted: removed)
        #expect(acceptance.refused.isEmpty)
        #expect(acceptance.changes.map(\.model.key) == keys("a"))
    }

    // MARK: - Removals

    struct Removal: Sendable, CustomTestStringConvertible {
        let accepted: Int
        let removed: Int
        var prune = false
        var allowEmpty = false
        let isHeld: Bool
        var testDescription: String {
            "\(removed) of \(accepted)\(prune ? ", --prune" : "")\(allowEmpty ? ", --allow-empty" : "")"
        }
    }

    @Test(arguments: [
        Removal(accepted: 2, removed: 1, isHeld: false),
        Removal(accepted: 3, removed: 2, isHeld: false),
        Removal(accepted: 6, removed: 3, isHeld: false),
        Removal(accepted: 5, removed: 3, isHeld: true),
        Removal(accepted: 5, removed: 3, prune: true, isHeld: false),
        Removal(accepted: 100, removed: 50, isHeld: false),
        Removal(accepted: 100, removed: 51, isHeld: true),
        Removal(accepted: 1, removed: 1, isHeld: true),
        Removal(accepted: 5, removed: 5, isHeld: true),
        Removal(accepted: 5, removed: 5, prune: true, isHeld: true),
        Removal(accepted: 5, removed: 5, prune: true, allowEmpty: true, isHeld: false),
    ])
    func removalsAreGuarded(_ row: Removal) {
        let names = (0..<row.accepted).map { "m\(100 + $0)" }
        let set = ManifestSet(models: names.dropFirst(row.removed).map { manifest($0) })
        let acceptance = judge(
            set, root: Self.root, accepted: accepted(names),
            guard: RemovalGuard(prune: row.prune, allowEmpty: row.allowEmpty))
        let gone = names.prefix(row.removed).map(key)
        #expect(acceptance.removals == (row.isHeld ? [] : gone))
        #expect(acceptance.heldRemovals == (row.isHeld ? gone : []))
    }

    @Test func changesProceedWhileRemovalsAreHeld() {
        let set = ManifestSet(models: [manifest("a", spec("edited")), manifest("new")])
        let acceptance = judge(set, root: Self.root, accepted: accepted(["a", "b", "c", "d"]))
        #expect(acceptance.changes.map(\.model.key) == keys("a", "new"))
        #expect(acceptance.heldRemovals == keys("b", "c", "d"))
        #expect(!acceptance.isEmpty)
    }

    @Test func replacingEverythingByOtherModelsNeedsPruneOnly() {
        let set = ManifestSet(models: [manifest("x")])
        let held = judge(set, root: Self.root, accepted: accepted(["a"]))
        #expect(held.heldRemovals == keys("a"))
        let pruned = judge(set, root: Self.root, accepted: accepted(["a"]), guard: RemovalGuard(prune: true))
        #expect(pruned.removals == keys("a"))
    }

    @Test func aRenameIsNoRemoval() {
        let names = ["a", "b", "c"]
        let renamed = ManifestSet(models: names.map { manifest("new-\($0)", spec($0)) })
        let acceptance = judge(renamed, root: Self.root, accepted: accepted(names))
        #expect(acceptance.removals == keys("a", "b", "c"))
        #expect(acceptance.heldRemovals.isEmpty)
    }

    @Test func aRenameProceedsWhileRemovalsAreHeld() {
        let set = ManifestSet(models: [manifest("new-a", spec("a"))])
        let acceptance = judge(set, root: Self.root, accepted: accepted(["a", "b", "c", "d"]))
        #expect(acceptance.removals == keys("a"))
        #expect(acceptance.heldRemovals == keys("b", "c", "d"))
    }

    @Test func oneNewNameStandsForOneOldOne() {
        let same = spec("same")
        let known = ["a", "b", "c", "d"].map { Situation.model(same, key: key($0)) }
        let acceptance = judge(ManifestSet(models: [manifest("x", same)]), root: Self.root, accepted: known)
        #expect(acceptance.removals == keys("a"))
        #expect(acceptance.heldRemovals == keys("b", "c", "d"))
    }

    @Test func whatComesLaterIsNoNewNameOfWhatIsHeld() {
        let same = spec("same")
        var known = ["a", "b", "c", "d"].map { Situation.model(same, key: key($0)) }
        for index in 1...3 { known[index].heldRemoval = HeldRemoval(since: Situation.now, remedy: "x") }
        let later = ManifestSet(models: [manifest("a", same), manifest("n", same)])
        let acceptance = judge(later, root: Self.root, accepted: known)
        #expect(acceptance.changes.map(\.model.key) == keys("n"))
        #expect(acceptance.removals.isEmpty)
        #expect(acceptance.heldRemovals == keys("b", "c", "d"))
        // Another one that is renamed beside them still is.
        let renamed = judge(ManifestSet(models: [manifest("n", same)]), root: Self.root, accepted: known)
        #expect(renamed.removals == keys("a"))
        #expect(renamed.heldRemovals == keys("b", "c", "d"))
    }

    @Test func aFolderThatIsRenamedIsNoRemoval() {
        func records(_ folder: String) -> [ManifestModel] {
            ["a", "b", "c"].map { name in
                let path = "\(Self.root)/\(folder)/models/\(name)"
                let source = SourceSpec.localArtifact(LocalArtifactSpec(path: path, startupCommand: "serve"))
                return ManifestModel(
                    key: ModelKey(domain: folder, source: "s", model: name), spec: ModelSpec(source: source),
                    file: "\(folder)/x.yaml", line: 1)
            }
        }
        let known = records("old").map { ModelRecord(key: $0.key, spec: $0.spec, root: Self.root, file: $0.file) }
        let acceptance = judge(ManifestSet(models: records("new")), root: Self.root, accepted: known)
        #expect(acceptance.heldRemovals.isEmpty)
        #expect(acceptance.removals.count == 3)
    }

    @Test func pruningLetsPassWhatWasShownAndNoMore() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"]
        var known = accepted(names)
        for index in 0..<5 { known[index].heldRemoval = HeldRemoval(since: Situation.now, remedy: "x") }
        let prune = RemovalGuard(prune: true)
        func acceptance(without missing: Int) -> Acceptance {
            judge(
                ManifestSet(models: names.dropFirst(missing).map { manifest($0) }), root: Self.root, accepted: known,
                guard: prune)
        }
        #expect(acceptance(without: 5).removals == keys("a", "b", "c", "d", "e"))
        // One more of the other three is a removal as any other.
        #expect(acceptance(without: 6).removals == keys("a", "b", "c", "d", "e", "f"))
        // All that are left is another matter.
        #expect(acceptance(without: 8).removals.isEmpty)
        var all = known
        all.append(contentsOf: accepted(["i", "j", "k"]))
        let late = judge(ManifestSet(models: [manifest("k")]), root: Self.root, accepted: all, guard: prune)
        #expect(late.removals == keys("a", "b", "c", "d", "e"))
        #expect(late.heldRemovals == keys("f", "g", "h", "i", "j"))
    }

    @Test func theWayThroughIsOneLine() {
        let some = judge(ManifestSet(models: [manifest("x")]), root: Self.root, accepted: accepted(["a", "b", "c"]))
        #expect(some.removalRemedy == "modelet apply /manifests --prune")
        let all = judge(ManifestSet(), root: Self.root, accepted: accepted(["a"]))
        #expect(all.removalRemedy == "modelet apply /manifests --allow-empty")
        #expect(judge(ManifestSet(), root: Self.root, accepted: []).removalRemedy == nil)
    }

    @Test func whatIsDefinedAgainIsNoLongerHeld() {
        var known = accepted(["a", "b", "c"])
        for index in known.indices { known[index].heldRemoval = HeldRemoval(since: Situation.now, remedy: "x") }
        let set = ManifestSet(models: [manifest("a"), manifest("b")])
        let acceptance = judge(set, root: Self.root, accepted: known)
        #expect(acceptance.releasedRemovals == keys("a", "b"))
        // One alone would not have been held; but it is, and nobody has let it go.
        #expect(acceptance.heldRemovals == keys("c"))
        #expect(acceptance.removals.isEmpty)
        let more = ManifestSet(models: ["a", "b", "x", "y", "z"].map { manifest($0) })
        #expect(judge(more, root: Self.root, accepted: known).heldRemovals == keys("c"))
        let pruned = judge(more, root: Self.root, accepted: known, guard: RemovalGuard(prune: true))
        #expect(pruned.removals == keys("c"))
        #expect(pruned.releasedRemovals == keys("a", "b"))
        // While a file is broken, what is missing stays as it is.
        let broken = judge(
            ManifestSet(models: [manifest("a")], brokenFiles: ["e.yaml"]), root: Self.root, accepted: known)
        #expect(broken.releasedRemovals == keys("a"))
        #expect(broken.removals.isEmpty)
    }

    // MARK: - Roots that are no longer named

    @Test func aRootThatIsNoLongerNamedIsARemovalUnderTheGuard() {
        let known = accepted(["a", "b", "c", "d"])
        let set = ManifestSet(models: [manifest("a"), manifest("x")])
        let acceptance = judge(set, root: "/next", accepted: known, predecessors: [Self.root])
        #expect(acceptance.heldRemovals == keys("b", "c", "d"))
        #expect(acceptance.refused.isEmpty)
        // What both define belongs to the new one, and runs on.
        #expect(acceptance.changes.map(\.model.key) == keys("a", "x"))
        #expect(acceptance.changes.first.map { !$0.replacesInstance && $0.fields.isEmpty } == true)
        let pruned = judge(
            set, root: "/next", accepted: known, predecessors: [Self.root], guard: RemovalGuard(prune: true))
        #expect(pruned.removals == keys("b", "c", "d"))
        #expect(pruned.heldRemovals.isEmpty)
    }

    @Test func aDirectoryThatIsMovedAsAWholeLosesNothing() {
        let names = ["a", "b", "c"]
        let acceptance = judge(
            ManifestSet(models: names.map { manifest($0) }), root: "/next", accepted: accepted(names),
            predecessors: [Self.root])
        #expect(acceptance.removals.isEmpty)
        #expect(acceptance.heldRemovals.isEmpty)
        #expect(acceptance.changes.allSatisfy { !$0.replacesInstance })
    }

    @Test func aPortMayMoveToAnotherKeyWithTheDirectory() {
        func with(_ port: Int) -> ModelSpec { Situation.spec(source: Situation.artifact(port: port)) }
        let known = [Situation.model(with(8501), key: key("old"))]
        var edited = with(8501)
        edited.timeout = 5
        let acceptance = judge(
            ManifestSet(models: [manifest("new", edited)]), root: "/next", accepted: known,
            predecessors: [Self.root], guard: RemovalGuard(prune: true))
        #expect(acceptance.changes.map(\.model.key) == keys("new"))
        #expect(acceptance.removals == keys("old"))
    }

    @Test func aNewRootThatCannotBeReadTakesNothingAway() {
        let acceptance = judge(
            ManifestSet(brokenFiles: ["."]), root: "/next", accepted: accepted(["a"]), predecessors: [Self.root],
            guard: RemovalGuard(prune: true, allowEmpty: true))
        #expect(acceptance == Acceptance())
    }

    // MARK: - Broken files

    @Test func nothingIsRemovedWhileAFileIsBroken() {
        let set = ManifestSet(models: [manifest("a", spec("edited"))], brokenFiles: ["e.yaml"])
        let everything = RemovalGuard(prune: true, allowEmpty: true)
        let acceptance = judge(set, root: Self.root, accepted: accepted(["a", "b"]), guard: everything)
        #expect(acceptance.removals.isEmpty)
        #expect(acceptance.heldRemovals.isEmpty)
        #expect(acceptance.changes.map(\.model.key) == keys("a"))
    }

    @Test func otherRootsLoseNothing() {
        let acceptance = judge(
            ManifestSet(models: [manifest("x")]), root: "/elsewhere", accepted: accepted(["a", "b", "c"]))
        #expect(acceptance.removals.isEmpty)
        #expect(acceptance.heldRemovals.isEmpty)
    }

    @Test func whatIsOnItsWayOutIsNotRemovedAgain() {
        var known = accepted(["a", "b"])
        known[0].isRemoved = true
        let acceptance = judge(ManifestSet(models: [manifest("b")]), root: Self.root, accepted: known)
        #expect(acceptance == Acceptance())
    }
}
