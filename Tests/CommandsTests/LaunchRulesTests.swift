import Docker
import Foundation
import TestSupport
import Testing

@testable import Commands

@Suite("Rules of what is launched")
struct LaunchRulesTests {
    @Test("a volume is mounted as the path that was found within the roots, and not once its link leads out")
    func volume() throws {
        let folder = try TemporaryDirectory()
        let root = URL(filePath: folder.path).resolvingSymlinksInPath().path(percentEncoded: false)
        let (models, outside, link) = (root + "/models", root + "/outside", root + "/models/link")
        for path in [models + "/real", outside] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        let check = LaunchRules().volumeCheck(root: models)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: models + "/real")
        #expect(try check(link, false) == models + "/real")
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: outside)
        let refused = #expect(throws: ContainerOrderError.self) { try check(link, false) }
        #expect(
            refused?.message.hasPrefix("volumes: \(link) is really \(outside), outside the artifact roots (\(models));")
                == true, "\(refused?.message ?? "")")
        #expect(try LaunchRules(artifactRoots: [outside]).volumeCheck(root: models)(link, false) == outside)
    }
}
