import ArgumentParser
import Glibc
import Logging
import Manifests
import ModelCore

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the models that the manifests define, and forward predictions to them.",
        discussion: """
            Every option may be given in the environment instead: MODELET_MANIFESTS, MODELET_STATE, MODELET_LISTEN, \
            MODELET_ON_EXIT, MODELET_MAX_CONCURRENT_STARTS, MODELET_MAX_LOADED, MODELET_MEMORY_BUDGET, \
            MODELET_PORT_RANGE, MODELET_LOG_LEVEL, MODELET_MAX_CONNECTIONS, MODELET_TLS_CERTIFICATE, \
            MODELET_TLS_KEY, MODELET_TOKEN_FILE, MODELET_INSECURE, MODELET_ARTIFACT_ROOTS, MODELET_ALLOW_IMAGES, \
            MODELET_REQUIRE_DIGEST, MODELET_FORBID_PRIVILEGES.

            Where --max-loaded or --memory-budget is reached, the on-demand model that has been idle for longest makes \
            room for the next one. One that answers a request is never stopped for that, nor is an eager or a pinned one.

            SIGTERM and SIGINT end it as --on-exit says; a second one skips the drain. SIGHUP reads the manifests, the \
            tokens and the certificate again. When it is killed, models live on, and the next `serve` adopts them.
            """)

    @Option(help: "The directory of manifests [default: manifests].")
    var manifests: String?
    @OptionGroup var state: StateOptions
    @Option(help: ArgumentHelp("Where predictions are taken [default: 127.0.0.1:8080].", valueName: "host:port"))
    var listen: String?
    @Option(help: ArgumentHelp("What SIGTERM does with the models: stop or keep [default: stop].", valueName: "what"))
    var onExit: OnExit?
    @Option(help: "How many models may be starting at once; a slow one counts for 30 s [default: 4].")
    var maxConcurrentStarts: Int?
    @Option(help: ArgumentHelp("How many models may be loaded at once [default: any number].", valueName: "count"))
    var maxLoaded: Int?
    @Option(
        help: ArgumentHelp(
            "What all models together may take of the memory, such as 16GiB [default: any amount].", valueName: "size"))
    var memoryBudget: String?
    @Option(help: ArgumentHelp("Where allocated ports come from [default: 20000-29999].", valueName: "low-high"))
    var portRange: String?
    @OptionGroup(title: "Who may reach the gateway") var listener: ListenerOptions
    @OptionGroup(title: "What may be launched") var rules: LaunchRuleOptions
    @Option(help: "trace, debug, info, notice, warning, error [default: info].")
    var logLevel: String?

    enum OnExit: String, ExpressibleByArgument, CaseIterable {
        case stop, keep
    }

    func run() async throws {
        let settings = try settings()
        let level = try parsed(logLevel, "MODELET_LOG_LEVEL", "--log-level", standard: Logger.Level.info) {
            Logger.Level(rawValue: $0)
        }
        let logger = DaemonLog.logger(level: level)
        // A client that hangs up is an error of one write, not the end of the daemon.
        signal(SIGPIPE, SIG_IGN)
        if let threat = await SurvivalThreat.of(getpid()) {
            logger.warning("\(threat.message)", metadata: ["advice": "\(threat.advice)"])
        }
        let opened = try OpenedState(directory: state.directory)
        defer { opened.close() }
        try await Daemon(settings: settings, opened: opened, logger: logger).run()
    }

    private func settings() throws -> Daemon.Settings {
        let address = try parseListenAddress(listen ?? environment("MODELET_LISTEN") ?? "127.0.0.1:8080")
        let asked = manifests ?? environment("MODELET_MANIFESTS")
        return Daemon.Settings(
            manifests: absolutePath(asked ?? "manifests"), asksForManifests: asked != nil,
            listen: address, listener: try listener.settings(address),
            keepsInstances: try parsed(onExit?.rawValue, "MODELET_ON_EXIT", "--on-exit", standard: OnExit.stop) {
                OnExit(rawValue: $0)
            } == .keep,
            limits: try limits(),
            portRange: try parsed(
                portRange, "MODELET_PORT_RANGE", "--port-range", standard: Parts.standardPortRange, Self.range),
            rules: try rules.rules())
    }

    private func limits() throws -> HostLimits {
        HostLimits(
            startSlots: try parsed(
                maxConcurrentStarts.map(String.init), "MODELET_MAX_CONCURRENT_STARTS", "--max-concurrent-starts",
                standard: HostLimits().startSlots, Self.count),
            maxLoaded: try parsed(
                maxLoaded.map(String.init), "MODELET_MAX_LOADED", "--max-loaded", Self.count),
            memory: try parsed(memoryBudget, "MODELET_MEMORY_BUDGET", "--memory-budget") {
                sizeInBytes($0).flatMap { $0 > 0 ? $0 : nil }
            })
    }

    private static func count(_ text: String) -> Int? { Int(text).flatMap { $0 > 0 ? $0 : nil } }

    static func range(_ text: String) -> ClosedRange<Int>? {
        let bounds = text.split(separator: "-").map { Int($0) }
        guard bounds.count == 2, let low = bounds[0], let high = bounds[1], 1 <= low, low <= high, high <= 65535
        else { return nil }
        return low...high
    }

    /// The value of a flag, else that of the environment, else the standard one.
    private func parsed<Value>(
        _ flag: String?, _ variable: String, _ name: String, standard: Value, _ parse: (String) -> Value?
    ) throws -> Value {
        try parsed(flag, variable, name, parse) ?? standard
    }

    /// The value of a flag, else that of the environment; `nil` where neither is given.
    private func parsed<Value>(
        _ flag: String?, _ variable: String, _ name: String, _ parse: (String) -> Value?
    ) throws -> Value? {
        guard let text = flag ?? environment(variable) else { return nil }
        guard let value = parse(text) else {
            throw CommandFailure("'\(text)' is no value for \(name) (\(variable))", status: ExitStatus.usage)
        }
        return value
    }
}
