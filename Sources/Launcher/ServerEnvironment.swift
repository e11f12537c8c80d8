internal import ModelCore
internal import ProcFS

/// The environment of a model server: what it inherits of the daemon's, what its manifest declares, what the launch
/// provides, and the marker that all of its descendants bear.
struct ServerEnvironment {
    private(set) var values: [String: String]
    /// What the names in `startup_command` stand for.
    let commandValues: [String: String]

    /// The variables of modelet itself, which are nobody else's business.
    private static let ownPrefix = "MODELET_"
    static let instanceMarker = "MODELET_INSTANCE"

    /// Reads the files that values refer to.
    init(
        _ instance: InstanceRecord, _ spec: LocalArtifactSpec, inherited: [String: String]
    ) throws(LaunchProblem) {
        let provided = [
            LaunchVariable.port.rawValue: "\(instance.port)", LaunchVariable.host.rawValue: instance.host,
            LaunchVariable.modelPath.rawValue: spec.path, LaunchVariable.modelKey.rawValue: "\(instance.key)",
        ]
        let declared = try Self.declared(spec.environment ?? [:], provided: provided, inherited: inherited)
        commandValues = provided.merging(declared) { _, declared in declared }
        values = Self.inherited(inherited, by: spec.inheritEnvironment ?? .all)
        values.merge(commandValues) { _, new in new }
        values[Self.instanceMarker] = instance.id.text
    }

    var assignments: [String] { values.map { "\($0.key)=\($0.value)" }.sorted() }

    private static func inherited(_ all: [String: String], by rule: InheritedEnvironment) -> [String: String] {
        switch rule {
        case .all: all.filter { !$0.key.hasPrefix(ownPrefix) }
        case .none: [:]
        case .only(let names): all.filter { names.contains($0.key) && !$0.key.hasPrefix(ownPrefix) }
        }
    }

    private static func declared(
        _ environment: [String: String], provided: [String: String], inherited: [String: String]
    ) throws(LaunchProblem) -> [String: String] {
        do throws(DeclaredEnvironmentError) {
            return try resolveEnvironment(
                environment, provided: provided, env: { inherited[$0] },
                file: { path throws(UnreadableFile) in try contents(of: path) })
        } catch {
            throw .terminal(error.message)
        }
    }

    private static func contents(of path: String) throws(UnreadableFile) -> String {
        let limit = EnvironmentValue.longestFile
        do throws(SystemFailure) {
            let bytes = try readFile(path, limit: limit + 1)
            if bytes.count <= limit { return String(decoding: bytes, as: UTF8.self) }
        } catch {
            throw UnreadableFile(reason: systemMessage(error.code))
        }
        throw UnreadableFile(reason: "it is longer than \(limit) bytes")
    }
}
