import ArgumentParser
import ModelCore

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what is missing on this host.",
        discussion: """
            One line a check: ok, warn or fail, what was found, and what to do. What no accepted model needs is no \
            failure. Ends with 1 where something failed. Changes nothing, and needs no running modelet. Run it as the \
            user, and with the environment, of `serve`: DOCKER_HOST, HOME, PATH and AWS_… decide what is found.
            """)

    @Flag(help: "Look at the AWS CLI and its identity even if no accepted model comes from ECR.")
    var aws = false
    @Option(help: ArgumentHelp("Where `serve` allocates ports from [default: 20000-29999].", valueName: "low-high"))
    var portRange: String?
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        var isHealthy: Bool
        var checks: [Finding]
    }

    func run() async throws {
        let examination = DoctorExamination(
            directory: state.directory, portRange: try ports(), asksAWS: aws, environment: environmentVariables,
            home: homeDirectory)
        let findings = DoctorReport(snapshot: await examination.snapshot()).findings
        let isHealthy = !findings.contains { $0.verdict == .fail }
        switch output.format {
        case .table:
            FindingsText(findings: findings, isColoured: Console.isColoured).lines.forEach(Console.print)
        case .json: Console.print(output.document(Report(isHealthy: isHealthy, checks: findings)))
        }
        if !isHealthy { throw ExitStatus.failed }
    }

    private func ports() throws -> ClosedRange<Int> {
        guard let text = portRange ?? environment("MODELET_PORT_RANGE") else { return Parts.standardPortRange }
        guard let range = Serve.range(text) else {
            throw CommandFailure(
                "'\(text)' is no value for --port-range (MODELET_PORT_RANGE)", status: ExitStatus.usage)
        }
        return range
    }
}
