import ArgumentParser
import Manifests
import ModelCore
import Reconciler

struct Validate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check manifests without applying them.",
        discussion: "Ends with 65 where there is an error. Needs no daemon and no state.")

    @Argument(help: "The directory of manifests.")
    var directory = "manifests"
    @OptionGroup(title: "As `serve` is told") var rules: LaunchRuleOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let root = absolutePath(directory)
        // By themselves: nothing is enforced that could decide between two files.
        let set = try await rules.rules().manifests.load(root: root).decided(root: root, accepted: []).set
        switch output.format {
        case .table: printDiagnostics(set.diagnostics)
        case .json: Console.print(output.document(set.diagnostics))
        }
        let errors = set.diagnostics.count { $0.severity == .error }
        guard errors == 0 else {
            Console.printError("\(errors) \(errors == 1 ? "error" : "errors")")
            throw ExitStatus.invalidManifests
        }
        if output.format == .table {
            Console.print("\(set.models.count) \(set.models.count == 1 ? "model" : "models"), no errors")
        }
    }
}

func printDiagnostics(_ diagnostics: [Diagnostic]) {
    for diagnostic in diagnostics { Console.printError(diagnostic.rendered.printableLines) }
}
