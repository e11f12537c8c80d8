import Foundation
import Manifests
import ModelCore
import Testing

/// Files that were made to hurt, and the time that they may take: far more than they do, far less than they could.
@Suite struct BoundsTests {
    private static let patience = Duration.seconds(5)

    private func loadQuickly(_ text: String) throws -> ManifestSet {
        let folder = try ManifestFolder(["churn.yaml": text])
        var set = ManifestSet()
        let time = ContinuousClock().measure { set = folder.load() }
        #expect(time < Self.patience)
        return set
    }

    @Test(arguments: ["[", "{a: ", "- ", "? ", "[{", "!!seq ["])
    func deepNestingEndsAtOnce(opening: String) throws {
        let set = try loadQuickly(String(repeating: opening, count: 100_000))
        #expect(set.errors.count == 1)
        #expect(set.errors.first?.hasSuffix("nested more than 64 levels deep") == true, "\(set.errors)")
    }

    @Test func depthCountsThroughAliases() throws {
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        let set = try loadQuickly("x-a: &a \(deep)\nx-b: \(deep.replacing("[]", with: "[*a]"))\n")
        #expect(set.errors == ["2:46: nested more than 64 levels deep by an alias"])
    }

    @Test func anAliasBombIsAnErrorAtItsAlias() throws {
        var text = "x-a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        for (name, inner) in zip("bcdefghi", "abcdefgh") {
            text += "x-\(name): &\(name) [\(repeatElement("*\(inner)", count: 10).joined(separator: ","))]\n"
        }
        let set = try loadQuickly(text)
        // `*c` stands for 1,111 nodes: after those above it, seven fit and the eighth does not.
        #expect(set.errors == ["4:31: the alias `*c` makes the file larger than 10000 nodes"])
    }

    @Test func manyNodesAreRefused() throws {
        let fitting = try loadQuickly(
            "x-a: [\(repeatElement("x", count: 9_990).joined(separator: ","))]\nml: {sources: {}}")
        #expect(fitting.errors == [])
        let set = try loadQuickly("x-a: [\(repeatElement("x", count: 20_000).joined(separator: ","))]")
        #expect(set.errors.count == 1)
        #expect(set.errors.first?.hasSuffix("the file larger than 10000 nodes") == true)
    }

    @Test func manyErrorsAreAllReported() throws {
        let keys = (0..<4_000).map { "timeuot\($0): 1" }.joined(separator: "\n")
        #expect(try loadQuickly(manifest(model: keys)).errors.count == 4_000)
    }

    @Test func directivesWithoutEndAreRefused() throws {
        let set = try loadQuickly((0..<60_000).map { "%TAG !\($0)! x\n" }.joined() + "--- a")
        #expect(set.errors == ["1:1: `%TAG` directives are not supported"])
    }

    @Test func largeFilesAreRefused() throws {
        let comment = "#" + String(repeating: "x", count: 98) + "\n"
        let body = "ml: {sources: {}}\n"
        let fitting = body + String(repeating: comment, count: 10_000)
        #expect(try loadQuickly(fitting).errors == [])
        let set = try loadQuickly(body + String(repeating: comment, count: 21_000))
        #expect(set.errors == ["0:0: the file is larger than 1 MiB, and a manifest never is"])
    }

    @Test func onlyUTF8IsText() throws {
        let folder = try ManifestFolder()
        try folder.write(Data("ml: é\n  a".utf8) + [0xC3, 0x28], to: "a.yaml")
        try folder.write(Data([0xFF, 0xFE, 0x6D, 0x00]), to: "b.yaml")
        try folder.write(Data([0xEF, 0xBB, 0xBF]) + Data("ml: {sources: {}}\nx: 1".utf8), to: "c.yaml")
        #expect(
            folder.load().errors == [
                "2:4: the file is not UTF-8 text", "1:1: the file is not UTF-8 text", "2:1: manifest: unknown key `x`",
            ])
    }

    @Test func longLinesAreNotShownWhole() throws {
        let set = try load(
            "ml: {sources: {}} # \(String(repeating: "x", count: 10_000))\nx: \(String(repeating: "y", count: 10_000))")
        #expect(set.diagnostics.map { $0.excerpt?.count } == [200])
    }

    /// Every prefix of a manifest is what a reader may see while somebody writes it.
    @Test func noPrefixOfAManifestIsFatal() throws {
        let text = DocumentExamples.docker
        for length in stride(from: 0, to: text.utf8.count, by: 7) {
            _ = try load(String(decoding: text.utf8.prefix(length), as: UTF8.self))
        }
    }

    /// Bytes changed at random, the same ones in every run.
    @Test func noDamageIsFatal() throws {
        let original = Array(DocumentExamples.docker.utf8)
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let folder = try ManifestFolder()
        for _ in 0..<500 {
            var bytes = original
            for _ in 0..<(1 + next(4)) {
                let poison = Array("\n\t {}[]:&*!|>'\"%@`-?,#\0\u{FF}$".utf8)
                bytes[next(bytes.count)] = poison[next(poison.count)]
            }
            try folder.write(Data(bytes), to: "churn.yaml")
            let set = folder.load()
            #expect(set.models.isEmpty != set.brokenFiles.isEmpty || set.diagnostics.allSatisfy(\.isAboutDisk))
        }
    }
}
