import ArgumentParser
import Glibc
import Launcher
import ModelCore
import Reconciler
import StateStore

struct Logs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a model's server has written.",
        discussion: """
            Of the instance that was launched last, whether or not it still runs. Goes to standard output as it was \
            written; what modelet itself has to say goes to standard error. Needs no running modelet.
            """)

    @OptionGroup var model: ModelArgument
    @Option(
        help: ArgumentHelp("The instance, by its id or the beginning of it [default: the latest].", valueName: "id"))
    var instance: String?
    @Flag(name: .shortAndLong, help: "The instance before that one.")
    var previous = false
    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("How many of the last lines are shown first, or `all`.", valueName: "lines"))
    var tail = LogTailLength.lines(100)
    @Flag(name: .shortAndLong, help: "Go on until the instance has ended.")
    var follow = false
    @OptionGroup var state: StateOptions

    func run() async throws {
        LogOutput.endOnInterrupt()
        let instance = try chosenInstance()
        if !instance.phase.isLive { Console.printError(LogChoice.ending(of: instance)) }
        let recorded = RecordedInstance(instance: instance, directory: StateDirectory(state.directory))
        switch instance.source {
        case .localArtifact: try await InstanceLog(recorded, tail, follows: follow).show()
        case .docker, .ecr: try await ContainerLog(recorded, tail, follows: follow).show()
        }
    }

    private func chosenInstance() throws -> InstanceRecord {
        guard let snapshot = try readState(state.directory) else {
            throw CommandFailure(StateReader(StateDirectory(state.directory)).nothingHere)
        }
        let entry = try ModelArgument.model(named: model.name, key: model.key(), among: snapshot.models)
        let recorded: [InstanceRecord]
        do throws(StoreError) {
            recorded = try StateReader(StateDirectory(state.directory)).instances(of: entry.model.key) ?? []
        } catch {
            throw CommandFailure(error)
        }
        let condition = entry.condition(at: SystemTime().now())
        return try LogChoice(entry.model, condition, recorded).instance(instance, isPrevious: previous)
    }
}

/// How much of the end of a log is shown.
enum LogTailLength: ExpressibleByArgument, Hashable {
    case all
    case lines(Int)

    init?(argument: String) {
        if argument == "all" {
            self = .all
        } else if let lines = Int(argument), lines >= 0 {
            self = .lines(lines)
        } else {
            return nil
        }
    }

    /// `nil`: all.
    var count: Int? {
        switch self {
        case .all: nil
        case .lines(let count): count
        }
    }

    var defaultValueDescription: String {
        switch self {
        case .all: "all"
        case .lines(let count): "\(count)"
        }
    }
}
