import ArgumentParser
import Manifests
import ModelCore
import Reconciler
import StateStore

struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show field by field how manifests, or revisions, differ.",
        discussion: """
            Between what is accepted and what the manifests of a directory say; with --revision, between that revision and \
            what is accepted; with --revision twice, between the first and the second. Ends with 0 where there is no \
            difference, with 2 where there is one, with 65 on errors in the manifests. Values of environment variables, and \
            of headers that carry credentials, are never shown.
            """)

    @Argument(help: "The directory of manifests [default: manifests].")
    var directory: String?
    @Option(
        name: .customLong("revision"),
        help: ArgumentHelp("A revision; `modelet rollback --list` shows them.", valueName: "number"))
    var revisions: [Int] = []
    @OptionGroup(title: "As `serve` is told") var rules: LaunchRuleOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if revisions.count > 2 { throw ValidationError("--revision can be given twice at most.") }
        if directory != nil, !revisions.isEmpty {
            throw ValidationError("A directory and --revision do not go together: a revision is one of its own root.")
        }
    }

    func run() async throws {
        let difference = try revisions.isEmpty ? await betweenStateAndDisk() : betweenRevisions()
        switch output.format {
        case .table:
            printDiagnostics(difference.diagnostics)
            difference.lines(isColoured: Console.isColoured).forEach(Console.print)
        case .json: Console.print(output.document(difference.document))
        }
        if difference.diagnostics.contains(where: { $0.severity == .error }) { throw ExitStatus.invalidManifests }
        if !difference.models.isEmpty { throw ExitStatus.changes }
    }

    private func betweenStateAndDisk() async throws -> Difference {
        let snapshot = try readState(state.directory)
        let accepted = snapshot?.models.map(\.model) ?? []
        let (root, scope) = ManifestApplier.split(
            absolutePath(directory ?? "manifests"), roots: snapshot?.roots.map(\.path) ?? [])
        let set = try await rules.rules().manifests.load(root: root)
        let known = snapshot?.roots.first { $0.path == root }
        // What is broken keeps its last good content, and so does not differ.
        let assessment = ManifestApplier.assess(
            set, root: root, scope: scope, accepted: accepted, predecessors: snapshot?.predecessors(of: root) ?? [],
            guard: RemovalGuard())
        let revision = known?.revision ?? 0
        return Difference(
            from: "accepted (revision \(revision))", to: scope.map { "\(root)/\($0)" } ?? root,
            models: assessment.acceptance.differences(from: accepted), diagnostics: assessment.diagnostics)
    }

    private func betweenRevisions() throws -> Difference {
        guard let snapshot = try readState(state.directory) else {
            throw CommandFailure(StateReader(StateDirectory(state.directory)).nothingHere)
        }
        let recorded = try RecordedRevisions(state, snapshot)
        let targets = try revisions.map { try recorded.target(RollbackOrder(revision: $0, by: operatorName)) }
        guard Set(targets.map(\.root)).count == 1 else {
            let places = targets.map { "revision \($0.revision) is one of \($0.root)" }
            throw CommandFailure(places.joined(separator: ", "))
        }
        let root = targets[0].root
        let sides = try targets.map { specs(try recorded.models(of: $0).map { ($0.key, $0.spec) }) }
        let accepted = snapshot.models.map(\.model).filter { $0.root == root && !$0.isRemoved }
        return Difference(
            from: "revision \(targets[0].revision)",
            to: targets.count == 1 ? "accepted (\(root))" : "revision \(targets[1].revision)",
            models: modelDifferences(
                from: sides[0], to: sides.count == 1 ? specs(accepted.map { ($0.key, $0.spec) }) : sides[1]))
    }

    private func specs(_ models: [(ModelKey, ModelSpec)]) -> [ModelKey: ModelSpec] {
        Dictionary(models, uniquingKeysWith: { first, _ in first })
    }
}
