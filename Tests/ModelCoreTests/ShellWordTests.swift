import ModelCore
import Testing

@Suite struct ShellWordTests {
    @Test(arguments: [
        ("/srv/manifests", "/srv/manifests"), ("/srv/my models", "'/srv/my models'"), ("", "''"),
        ("/srv/été-2_a.b", "/srv/été-2_a.b"), ("it's", #"'it'\''s'"#), ("'\u{301}", "''\\''\u{301}'"),
        ("$HOME", "'$HOME'"), ("a;b", "'a;b'"), ("~root", "'~root'"), ("a\nb", "'a\nb'"), ("a*", "'a*'"),
    ])
    func saysTheSameToAShell(text: String, word: String) {
        #expect(shellWord(text) == word)
    }

    @Test func theLineToRunNamesTheDirectoryAsAShellTakesIt() {
        let model = ModelRecord(
            key: ModelKey(domain: "d", source: "s", model: "m"), spec: ModelSpec(baseURL: "http://h"),
            root: "/srv/my models", file: "d.yaml")
        let acceptance = judge(ManifestSet(), root: "/srv/my models", accepted: [model])
        #expect(acceptance.removalRemedy == "modelet apply '/srv/my models' --allow-empty")
    }
}
