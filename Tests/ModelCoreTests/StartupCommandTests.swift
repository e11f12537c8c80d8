import ModelCore
import Testing

@Suite struct StartupCommandTests {
    @Test(
        arguments: [
            ("python -m app.serve --port 8501", ["python", "-m", "app.serve", "--port", "8501"]),
            ("  a\t b \n", ["a", "b"]),
            (#"a 'b c' "d e""#, ["a", "b c", "d e"]),
            (#"a b'c'"d"e"#, ["a", "bcde"]),
            (#"a '' """#, ["a", "", ""]),
            (#"a b\ c \" \'"#, ["a", "b c", "\"", "'"]),
            (#"a "\"\\\$\`" "\n""#, ["a", "\"\\$`", "\\n"]),
            (#"a '\n $HOME ${X} `x` ; | &'"#, ["a", #"\n $HOME ${X} `x` ; | &"#]),
            (#"a "; | & < > ( ) '""#, ["a", "; | & < > ( ) '"]),
            ("a \\\n  b", ["a", "b"]),
            ("a \"b\\\nc\"", ["a", "bc"]),
            ("a $$HOME x$$y", ["a", "$HOME", "x$y"]),
            ("a *.txt [x] {a,b} b#c b~ c=d !", ["a", "*.txt", "[x]", "{a,b}", "b#c", "b~", "c=d", "!"]),
            (#"a "x=~" \~ '#' é;"#.replacing(";", with: ""), ["a", "x=~", "~", "#", "é"]),
        ])
    func splitsAsPOSIXQuotes(text: String, words: [String]) throws {
        #expect(try StartupCommand(text).words([:]) == words)
    }

    @Test func substitutesInsideWordsAndNeverSplitsAgain() throws {
        let command = try StartupCommand(#"${PROGRAM} --port=${PORT} "x ${NAME}" '${NAME}' ${NAME}${PORT}"#)
        #expect(command.referencedNames == ["PROGRAM", "PORT", "NAME"])
        let words = try command.words(["PROGRAM": "my server", "PORT": "8501", "NAME": #"a b; $(rm -rf /) '"${PORT}"#])
        #expect(
            words == [
                "my server", "--port=8501", #"x a b; $(rm -rf /) '"${PORT}"#, "${NAME}",
                #"a b; $(rm -rf /) '"${PORT}8501"#,
            ])
    }

    @Test(
        arguments: [
            ("a ; rm -rf /", StartupCommandError.shellOperator(";", offset: 2)),
            ("a|b", .shellOperator("|", offset: 1)),
            ("a && b", .shellOperator("&&", offset: 2)),
            ("a || b", .shellOperator("||", offset: 2)),
            ("a &", .shellOperator("&", offset: 2)),
            ("a > x", .shellOperator(">", offset: 2)),
            ("a 2>> x", .shellOperator(">>", offset: 3)),
            ("a < x", .shellOperator("<", offset: 2)),
            ("(a)", .shellOperator("(", offset: 0)),
            ("a $(b)", .reference(.commandSubstitution, offset: 2)),
            (#"a "$(b)""#, .reference(.commandSubstitution, offset: 3)),
            ("a `b`", .backticks(offset: 2)),
            (#"a "`b`""#, .backticks(offset: 3)),
            ("a\nb", .lineBreak(offset: 1)),
            ("a\r\nb", .lineBreak(offset: 1)),
            ("a 'b", .unterminatedQuote("'", offset: 2)),
            (#"a "b"#, .unterminatedQuote("\"", offset: 2)),
            (#"a \"#, .danglingBackslash(offset: 2)),
            ("", .empty),
            (" \n ", .empty),
            (#""" a"#, .noProgram),
            ("A_1=x python", .assignment(name: "A_1", offset: 0)),
            ("a # b", .comment(offset: 2)),
            ("~/bin/a", .tilde(offset: 0)),
            ("a $HOME", .reference(.bareName("HOME"), offset: 2)),
            ("a $1", .reference(.strayDollar, offset: 2)),
            ("a b$", .reference(.strayDollar, offset: 3)),
            ("a ${B", .reference(.unclosed, offset: 2)),
            ("a ${B:-c}", .reference(.malformed("B:-c"), offset: 2)),
            ("a ${env:B}", .reference(.malformed("env:B"), offset: 2)),
            ("a ${}", .reference(.malformed(""), offset: 2)),
            ("a b\0c", .nul(offset: 3)),
            // A combining mark makes one character of two: the semicolon is one nevertheless.
            ("a ;\u{301} b", .shellOperator(";", offset: 2)),
            ("é \u{1F600} ;", .shellOperator(";", offset: 4)),
        ])
    func refusesWhatNeedsAShell(text: String, error: StartupCommandError) {
        #expect(throws: error) { try StartupCommand(text) }
        #expect(!error.message.isEmpty)
    }

    @Test func refusesAnUndeclaredNameAndAnEmptyProgram() throws {
        let command = try StartupCommand("a ${B}")
        #expect(throws: StartupCommandError.reference(.undeclared("B"), offset: 2)) { try command.words([:]) }
        #expect(throws: StartupCommandError.nul(offset: 2)) { try command.words(["B": "x\0y"]) }
        #expect(throws: StartupCommandError.noProgram) { try StartupCommand("${A} b").words(["A": ""]) }
    }

    @Test func refusesACommandWithoutEnd() throws {
        #expect(throws: StartupCommandError.tooLong(limit: StartupCommand.longest)) {
            try StartupCommand(String(repeating: "a", count: StartupCommand.longest + 1))
        }
        let longest = String(repeating: "a", count: StartupCommand.longest)
        #expect(try StartupCommand(longest).words([:]) == [longest])
    }
}

@Suite struct EnvironmentValueTests {
    private func resolve(_ text: String) throws -> String {
        try EnvironmentValue(text).resolve(
            values: ["PORT": "8501", "MODEL_PATH": "/m"], env: { $0 == "TOKEN" ? "s3cret ${PORT}" : nil },
            file: { path throws(UnreadableFile) in
                guard path == "/run/secrets/key" else { throw UnreadableFile(reason: "no such file") }
                return "from file\n"
            })
    }

    @Test(
        arguments: [
            ("plain", "plain"), ("", ""), ("a$$b", "a$b"), ("${PORT}", "8501"),
            ("--x=${MODEL_PATH}/m.pkl:${PORT}", "--x=/m/m.pkl:8501"),
            ("Bearer ${env:TOKEN}", "Bearer s3cret ${PORT}"), ("<${file:/run/secrets/key}>", "<from file>"),
        ])
    func resolvesReferencesAnywhere(text: String, value: String) throws {
        #expect(try resolve(text) == value)
    }

    @Test(
        arguments: [
            ("x$HOME", EnvironmentValueError.reference(.bareName("HOME"), offset: 1)),
            ("$(x)", .reference(.commandSubstitution, offset: 0)),
            ("p$", .reference(.strayDollar, offset: 1)),
            ("${PORT", .reference(.unclosed, offset: 0)),
            ("${env:}", .reference(.malformed("env:"), offset: 0)),
            ("${file:}", .reference(.malformed("file:"), offset: 0)),
            ("${PORT:-1}", .reference(.malformed("PORT:-1"), offset: 0)),
            ("a${OTHER}", .reference(.undeclared("OTHER"), offset: 1)),
            ("${env:MISSING}", .notSet("MISSING")),
            ("${file:/x}", .unreadable(path: "/x", reason: "no such file")),
        ])
    func refusesWhatCannotBeResolved(text: String, error: EnvironmentValueError) {
        #expect(throws: error) { try resolve(text) }
    }

    @Test func refusesNUL() throws {
        let value = try EnvironmentValue("${env:X}")
        #expect(throws: EnvironmentValueError.containsNUL) {
            try value.resolve(values: [:], env: { _ in "a\0b" }, file: { _ throws(UnreadableFile) in "" })
        }
    }

    @Test func writesTheTextThatItWasParsedFrom() throws {
        let text = "a$$b ${PORT} ${env:X} ${file:k}"
        let value = try EnvironmentValue(text)
        #expect(value.text { $0 } == text)
        #expect(value.text { "/d/\($0)" } == "a$$b ${PORT} ${env:X} ${file:/d/k}")
        #expect(value.referencedNames == ["PORT"])
    }
}
