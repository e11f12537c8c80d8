import ArgumentParser
import Testing

@testable import Commands

/// How commands are asked, and how they print for programs.
struct OptionsTests {
    /// What would be ignored is refused, with the exit code of a mistake of usage.
    @Test(
        arguments: [
            ["apply", "--dry-run", "--wait"], ["rollback", "--dry-run", "--wait"], ["rollback", "--list", "5"],
            ["rollback", "--list", "--wait"], ["rollback", "--list", "--dry-run"], ["rollback", "--list", "--prune"],
            ["rollback", "--list", "--allow-empty"],
        ])
    func whatDoesNotGoTogetherIsRefused(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try ModeletCommand.parseAsRoot(arguments) }
        #expect(error.map { ModeletCommand.exitCode(for: $0) } == ExitStatus.usage)
    }

    @Test(
        arguments: [
            ["apply", "--dry-run", "--prune"], ["apply", "--wait", "--timeout", "5"], ["rollback", "5", "--dry-run"],
            ["rollback", "--list", "--root", "manifests", "-o", "json"], ["rollback", "--wait", "5"],
        ])
    func whatGoesTogetherIsTaken(arguments: [String]) throws {
        _ = try ModeletCommand.parseAsRoot(arguments)
    }

    private struct Record: Encodable {
        var id: Int
        var message: String
    }

    /// One after the other they are a stream of documents, of which a program reads each as it comes.
    @Test func recordsAreLinesOfJSONOrDocumentsOfYAML() throws {
        func text(_ spelling: String) throws -> String {
            let output = try OutputOptions.parse(["-o", spelling])
            return [Record(id: 1, message: "a: b"), Record(id: 2, message: "c")].map { output.record($0) }
                .joined(separator: "\n")
        }
        #expect(
            try text("json") == """
                {"id":1,"message":"a: b"}
                {"id":2,"message":"c"}
                """)
        #expect(
            try text("yaml") == """
                ---
                id: 1
                message: "a: b"
                ---
                id: 2
                message: c
                """)
    }
}
