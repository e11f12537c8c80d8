import ModelCore
import Testing

struct PathTests {
    @Test(
        arguments: [
            ("/a/b", "/a", "b"), ("/a/b/c", "/a", "b/c"), ("/a/b", "/", "a/b"), ("a/b", "a", "b"), ("/a", "/a", nil),
            ("/", "/", nil), ("/ab", "/a", nil), ("/a", "/a/b", nil), ("a.yaml", "a", nil),
            // The same letter for Unicode, and another name for the disk.
            ("/e\u{301}/b", "/\u{e9}", nil), ("/\u{e9}/b", "/\u{e9}", "b"), ("/a/\u{301}b", "/a", "\u{301}b"),
        ] as [(String, String, String?)])
    func whatLiesBelowAFolder(path: String, folder: String, below: String?) {
        #expect(relativePath(of: path, below: folder).map { Array($0.utf8) } == below.map { Array($0.utf8) })
        let isSame = Array(path.utf8) == Array(folder.utf8)
        #expect(isWithin(path, folder) == (below != nil || isSame))
    }
}
