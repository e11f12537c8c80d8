import ModelCore
import Testing

/// Which of two files holds that contradict each other.
struct ConflictDecisionTests {
    private static let root = "/manifests"

    private func key(_ model: String) -> ModelKey { ModelKey(domain: "d", source: "s", model: model) }

    private func spec(_ command: String, port: Int? = nil) -> ModelSpec {
        Situation.spec(source: Situation.artifact(command: command, port: port))
    }

    private func manifest(_ name: String, in file: String, _ command: String? = nil, port: Int? = nil) -> ManifestModel
    {
        ManifestModel(key: key(name), spec: spec(command ?? name, port: port), file: file, line: 1)
    }

    private func enforced(
        _ name: String, in file: String, _ command: String? = nil, port: Int? = nil, root: String = root
    ) -> ModelRecord {
        ModelRecord(key: key(name), spec: spec(command ?? name, port: port), root: root, file: file)
    }

    /// A conflict between definitions, each a model and its file.
    private func conflict(
        over port: PortClaim? = nil, _ sides: (model: String, file: String)...
    ) -> ManifestConflict {
        ManifestConflict(
            port == nil ? .key : .port,
            sides: sides.map { side in
                ManifestConflict.Side(
                    key: key(side.model), file: side.file, port: port,
                    diagnostic: Diagnostic(.error, file: side.file, line: 1, message: "conflict in \(side.file)"))
            })
    }

    private func decided(
        _ set: ManifestSet, _ accepted: [ModelRecord], predecessors: [String] = []
    ) -> ManifestSet {
        set.decided(root: Self.root, accepted: accepted, predecessors: predecessors).set
    }

    /// `a.yaml` and `b.yaml` both define `x`; each has a model of its own besides.
    private func twoFiles(_ first: String = "x", _ second: String = "x") -> ManifestSet {
        ManifestSet(
            models: [
                manifest("x", in: "a.yaml", first), manifest("mine", in: "a.yaml"),
                manifest("x", in: "b.yaml", second), manifest("yours", in: "b.yaml"), manifest("other", in: "c.yaml"),
            ], conflicts: [conflict(("x", "a.yaml"), ("x", "b.yaml"))])
    }

    @Test func withNoneEnforcedBothAreRefused() {
        let set = decided(twoFiles(), [])
        #expect(set.brokenFiles == ["a.yaml", "b.yaml"])
        #expect(set.diagnostics.map(\.message) == ["conflict in a.yaml", "conflict in b.yaml"])
        #expect(set.models.map(\.file) == ["c.yaml"])
    }

    @Test(arguments: ["a.yaml", "b.yaml"])
    func theDefinitionThatIsEnforcedWins(_ file: String) {
        let set = decided(twoFiles("one", "two"), [enforced("x", in: file, "before")])
        let loser = file == "a.yaml" ? "b.yaml" : "a.yaml"
        #expect(set.brokenFiles == [loser])
        #expect(set.diagnostics.map(\.file) == [loser])
        #expect(set.diagnostics.first?.hint?.contains(file) == true)
        #expect(Set(set.models.map(\.file)) == [file, "c.yaml"])
        // Nothing that was accepted of the refused file goes away.
        let acceptance = judge(
            twoFiles("one", "two"), root: Self.root,
            accepted: [enforced("x", in: file, "before"), enforced("old", in: loser)])
        #expect(acceptance.removals.isEmpty)
        #expect(acceptance.changes.contains { $0.model.key == key("x") && $0.model.file == file })
    }

    @Test func whereTheFileIsGoneTheSameDefinitionWins() {
        let set = decided(twoFiles("edited", "same"), [enforced("x", in: "old.yaml", "same")])
        #expect(set.brokenFiles == ["a.yaml"])
        #expect(decided(twoFiles("same", "same"), [enforced("x", in: "old.yaml", "same")]).brokenFiles.count == 2)
        #expect(decided(twoFiles("p", "q"), [enforced("x", in: "old.yaml", "same")]).brokenFiles.count == 2)
    }

    @Test func anotherRootsOrARemovedDefinitionDecidesNothing() {
        var removed = enforced("x", in: "a.yaml")
        removed.isRemoved = true
        #expect(decided(twoFiles(), [removed]).brokenFiles.count == 2)
        #expect(decided(twoFiles(), [enforced("x", in: "a.yaml", root: "/other")]).brokenFiles.count == 2)
    }

    @Test func whatABrokenFileLastDefinedIsEnforced() {
        let broken = ManifestSet(models: [manifest("x", in: "b.yaml", "other")], brokenFiles: ["a.yaml"])
        let set = decided(broken, [enforced("x", in: "a.yaml")])
        #expect(set.brokenFiles == ["a.yaml", "b.yaml"])
        #expect(set.models.isEmpty)
        #expect(set.diagnostics.first?.message.contains("a.yaml last defined it") == true)
        // Moved to another file, and said the same: that is no contradiction.
        let moved = ManifestSet(models: [manifest("x", in: "b.yaml")], brokenFiles: ["a.yaml"])
        #expect(decided(moved, [enforced("x", in: "a.yaml")]).brokenFiles == ["a.yaml"])
    }

    @Test(arguments: [".", "folder"])
    func aFolderThatCannotBeReadIsBrokenWithAllThatIsInIt(_ name: String) {
        let set = ManifestSet(models: [manifest("x", in: "b.yaml", "other")], brokenFiles: [name])
        #expect(decided(set, [enforced("x", in: "folder/a.yaml")]).brokenFiles == [name, "b.yaml"].sorted())
    }

    /// A root that never rests while it is read, or has too many files.
    @Test func whatWasReadOfABrokenFolderIsHeldUpByItsOwnFilesAlone() {
        func broken(_ models: ManifestModel...) -> ManifestSet { ManifestSet(models: models, brokenFiles: ["."]) }
        let edited = broken(manifest("x", in: "a.yaml", "edited"))
        #expect(decided(edited, [enforced("x", in: "a.yaml")]).models.map(\.spec) == [spec("edited")])
        // One that has moved from a file that was read; and from one that was not, and may define it still.
        let moved = broken(manifest("x", in: "b.yaml", "edited"), manifest("mine", in: "a.yaml"))
        #expect(decided(moved, [enforced("x", in: "a.yaml")]).brokenFiles == ["."])
        #expect(decided(moved, [enforced("x", in: "unread.yaml")]).brokenFiles == [".", "b.yaml"])
        // The same of a port.
        let port = broken(manifest("x", in: "b.yaml", port: 1), manifest("mine", in: "a.yaml"))
        #expect(decided(port, [enforced("y", in: "a.yaml", port: 1)]).brokenFiles == ["."])
        #expect(decided(port, [enforced("y", in: "unread.yaml", port: 1)]).brokenFiles == [".", "b.yaml"])
    }

    @Test func aRefusedFileHoldsUpWhatContradictsItsLastGoodContent() {
        // `a.yaml` loses `x` to `b.yaml`. So what it last defined stays, and `c.yaml` cannot have `mine`.
        let set = ManifestSet(
            models: [
                manifest("x", in: "a.yaml"), manifest("x", in: "b.yaml"), manifest("mine", in: "c.yaml", "edited"),
            ], conflicts: [conflict(("x", "a.yaml"), ("x", "b.yaml"))])
        let outcome = decided(set, [enforced("x", in: "b.yaml"), enforced("mine", in: "a.yaml")])
        #expect(outcome.brokenFiles == ["a.yaml", "c.yaml"])
    }

    @Test func aFileThatIsBrokenAnywayDecidesNothingAndIsToldAll() {
        var set = twoFiles()
        set.brokenFiles = ["a.yaml"]
        set.models.removeAll { $0.file == "a.yaml" }
        let outcome = decided(set, [])
        #expect(outcome.brokenFiles == ["a.yaml"])
        #expect(outcome.diagnostics.map(\.file) == ["a.yaml"])
    }

    // MARK: - Ports

    private func onePort(_ port: Int = 8501) -> ManifestSet {
        ManifestSet(
            models: [manifest("x", in: "a.yaml", port: port), manifest("y", in: "b.yaml", port: port)],
            conflicts: [
                conflict(over: PortClaim(number: port, host: "localhost"), ("x", "a.yaml"), ("y", "b.yaml"))
            ])
    }

    @Test func ofTwoModelsWithOnePortTheOneThatHasItKeepsIt() {
        #expect(decided(onePort(), []).brokenFiles == ["a.yaml", "b.yaml"])
        #expect(decided(onePort(), [enforced("y", in: "b.yaml", port: 8501)]).brokenFiles == ["a.yaml"])
        // One that is enforced with another port has no better claim.
        #expect(decided(onePort(), [enforced("y", in: "b.yaml", port: 9)]).brokenFiles == ["a.yaml", "b.yaml"])
    }

    @Test func aPortThatABrokenFileOrAnotherRootHasIsTaken() {
        let set = ManifestSet(models: [manifest("x", in: "a.yaml", port: 8501)], brokenFiles: ["b.yaml"])
        #expect(decided(set, [enforced("y", in: "b.yaml", port: 8501)]).brokenFiles == ["a.yaml", "b.yaml"])
        #expect(decided(set, [enforced("y", in: "b.yaml", port: 8502)]).brokenFiles == ["b.yaml"])
        let alone = ManifestSet(models: [manifest("x", in: "a.yaml", port: 8501)])
        let elsewhere = enforced("y", in: "b.yaml", port: 8501, root: "/other")
        #expect(decided(alone, [elsewhere]).brokenFiles == ["a.yaml"])
        #expect(decided(alone, [elsewhere]).diagnostics.first?.message.contains("/other/b.yaml") == true)
        // Who has it already does not lose it, and a model that goes gives it up.
        #expect(decided(alone, [elsewhere, enforced("x", in: "a.yaml", port: 8501)]).brokenFiles.isEmpty)
        #expect(decided(alone, [enforced("y", in: "gone.yaml", port: 8501)]).brokenFiles.isEmpty)
    }

    @Test func ofManyWithOnePortAllAreRefusedThatAreNotBrokenAnyway() {
        let claim = PortClaim(number: 8501, host: "localhost")
        var set = ManifestSet(
            models: ["b", "c", "d"].map { manifest($0, in: "\($0).yaml", port: 8501) }, brokenFiles: ["a.yaml"],
            conflicts: [
                conflict(over: claim, ("a", "a.yaml"), ("b", "b.yaml"), ("c", "c.yaml"), ("d", "d.yaml"))
            ])
        #expect(decided(set, []).brokenFiles == ["a.yaml", "b.yaml", "c.yaml", "d.yaml"])
        let holder = decided(set, [enforced("c", in: "c.yaml", port: 8501)])
        #expect(holder.brokenFiles == ["a.yaml", "b.yaml", "d.yaml"])
        #expect(holder.diagnostics.filter { $0.hint != nil }.map(\.file) == ["b.yaml", "d.yaml"])
        // On another address than all that are left.
        set.conflicts[0].sides[1].port?.host = "10.0.0.1"
        set.models[0].spec = spec("b")
        #expect(decided(set, []).brokenFiles == ["a.yaml", "c.yaml", "d.yaml"])
    }

    // MARK: - Roots in whose place this one is named

    @Test func whatAFormerRootHasIsLookedUponAsThisOnes() {
        let former = ["/former"]
        // The port of one that is not defined here any more: it goes.
        let alone = ManifestSet(models: [manifest("x", in: "a.yaml", port: 8501)])
        let gone = enforced("y", in: "b.yaml", port: 8501, root: "/former")
        #expect(decided(alone, [gone]).brokenFiles == ["a.yaml"])
        #expect(decided(alone, [gone], predecessors: former).brokenFiles.isEmpty)
        // A key of it: the file of the same name holds, and what that defined if it is broken now.
        let enforced = [enforced("x", in: "a.yaml", "before", root: "/former")]
        #expect(decided(twoFiles("one", "two"), enforced, predecessors: former).brokenFiles == ["b.yaml"])
        let moved = [self.enforced("x", in: "gone.yaml", "two", root: "/former")]
        #expect(decided(twoFiles("one", "two"), moved, predecessors: former).brokenFiles == ["a.yaml"])
        let broken = ManifestSet(models: [manifest("x", in: "b.yaml", "two")], brokenFiles: ["a.yaml"])
        #expect(decided(broken, enforced, predecessors: former).brokenFiles == ["a.yaml", "b.yaml"])
    }

    @Test func filesOfARootInThisOneOrAroundItAreWhereTheyAre() {
        let set = ManifestSet(
            models: [manifest("x", in: "in/a.yaml", "one"), manifest("x", in: "a.yaml", "two")],
            conflicts: [conflict(("x", "in/a.yaml"), ("x", "a.yaml"))])
        let inner = enforced("x", in: "a.yaml", "before", root: "\(Self.root)/in")
        #expect(decided(set, [inner], predecessors: [inner.root]).brokenFiles == ["a.yaml"])
        let outer = enforced("x", in: "manifests/a.yaml", "before", root: "/")
        #expect(decided(set, [outer], predecessors: ["/"]).brokenFiles == ["in/a.yaml"])
        #expect(enforced("x", in: "elsewhere/a.yaml", root: "/").file(in: Self.root) == nil)
    }
}
