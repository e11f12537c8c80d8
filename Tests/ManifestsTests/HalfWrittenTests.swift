import Foundation
@testable import Manifests
import ModelCore
import Testing

/// Files that are broken, half-written or unreadable, and what stays as it is.
@Suite struct HalfWrittenTests {
    private static let other = """
        ml:
          sources:
            o: {base_url: 'http://h', models: {one: {}, two: {endpoint: /p}}}

        """

    private static let two = """
        ml:
          sources:
            s:
              base_url: http://localhost:1
              models:
                first:
                  endpoint: /a
                  timeout: 30
                second:
                  endpoint: /b
                  source: {type: docker, image: i, container_port: 80}

        """

    /// - Returns: at how many bytes the file was still a manifest, and said something else.
    private func cutEverywhere(_ text: String, isOneModel: Bool) throws -> Int {
        let folder = try ManifestFolder(["churn.yaml": text, "other.yaml": Self.other])
        let known = try folder.accepted()
        let all = Array(text.utf8)
        var accepted = 0
        for length in 0..<all.count {
            try folder.write(Data(all[..<length]), to: "churn.yaml")
            let acceptance = folder.judged(known)
            let what: Comment = "\(length) bytes: \(acceptance)"
            #expect(acceptance.changes.allSatisfy { $0.model.file == "churn.yaml" }, what)
            #expect(acceptance.removals.allSatisfy { $0.domain == "churn" }, what)
            #expect(acceptance.moves.isEmpty && acceptance.heldRemovals.isEmpty, what)
            let isBroken = !folder.load().brokenFiles.isEmpty
            if isBroken { #expect(acceptance == Acceptance(), what) }
            if isOneModel { #expect(acceptance.removals.isEmpty, what) }
            if !acceptance.isEmpty { accepted += 1 }
        }
        return accepted
    }

    @Test(arguments: [
        DocumentExamples.http, DocumentExamples.localArtifact, DocumentExamples.docker, DocumentExamples.ecr,
    ])
    func aFileThatIsCutShortChangesNothingElse(_ text: String) throws {
        let accepted = try cutEverywhere(text, isOneModel: true)
        print("cut at each of \(text.utf8.count) bytes: \(accepted) were manifests that said something else")
    }

    @Test func aFileOfTwoModelsThatIsCutShortChangesNothingElse() throws {
        _ = try cutEverywhere(Self.two, isOneModel: false)
    }

    @Test(arguments: [
        "", "\n", "# nothing\n", "ml:\n", "ml: {\n", "ml: {sources: {}}\n\tx: 1\n", "\0\0\0\0", "\u{FFFE}",
        "ml: {sources: {s: {base_url: 'http://h', models: {first: {}}}}}\nml: {sources: {}}\n",
        "<<<<<<< HEAD\nml: {}\n",
    ])
    func aBrokenFileChangesNothing(_ text: String) throws {
        let folder = try ManifestFolder(["churn.yaml": Self.two, "other.yaml": Self.other])
        let known = try folder.accepted()
        try folder.replace("churn.yaml", by: text)
        #expect(folder.judged(known) == Acceptance())
        // With every word of an operator, too.
        #expect(folder.judged(known, guard: RemovalGuard(prune: true, allowEmpty: true)) == Acceptance())
        // And other files are not held up, but that none of their models is removed.
        try folder.replace(
            "other.yaml", by: "ml: {sources: {o: {base_url: 'http://h', models: {one: {timeout: 9}, new: {}}}}}\n")
        let acceptance = folder.judged(known)
        #expect(acceptance.changes.map(\.model.key.description) == ["other/o/new", "other/o/one"])
        #expect(acceptance.removals.isEmpty)
    }

    @Test func aFileThatCannotBeReadChangesNothing() throws {
        let folder = try ManifestFolder(["churn.yaml": Self.two, "other.yaml": Self.other])
        let known = try folder.accepted()
        for target in ["/nowhere", "churn.yaml", "/proc/self/mem"] {
            try folder.remove("churn.yaml")
            try folder.link("churn.yaml", to: target)
            #expect(folder.judged(known) == Acceptance(), "\(target)")
        }
        // A folder of that name is no manifest: the file is gone.
        try folder.remove("churn.yaml")
        try folder.makeFolder("churn.yaml")
        #expect(folder.judged(known).removals.count == 2)
    }

    @Test func aRootThatIsGoneOrNoFolderTakesNothingAway() throws {
        let folder = try ManifestFolder(["root/churn.yaml": Self.two])
        let root = folder.path + "/root"
        let accepted = DirectoryManifests().loadAtOnce(root: root).models.map {
            ModelRecord(key: $0.key, spec: $0.spec, root: root, file: $0.file)
        }
        let everything = RemovalGuard(prune: true, allowEmpty: true)
        func judged() -> Acceptance {
            judge(DirectoryManifests().loadAtOnce(root: root), root: root, accepted: accepted, guard: everything)
        }
        try folder.remove("root")
        #expect(judged() == Acceptance())
        try folder.replace("root", by: "a file")
        #expect(judged() == Acceptance())
        try folder.remove("root")
        try folder.link("root", to: "root")
        #expect(judged() == Acceptance())
        // Empty is something else: somebody has to say that it is meant.
        try folder.remove("root")
        try folder.makeFolder("root")
        #expect(judged().removals.count == 2)
        let plain = judge(DirectoryManifests().loadAtOnce(root: root), root: root, accepted: accepted)
        #expect(plain.heldRemovals.count == 2)
        #expect(plain.removals.isEmpty)
    }
}
