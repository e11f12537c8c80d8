import ArgumentParser
import ModelCore
import Reconciler
import StateStore

/// A model as an argument: `domain/source[/model]`.
struct ModelArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The model: domain/source, or domain/source/model.", valueName: "model"))
    var name: String

    /// As it is written; `default` where it names no model.
    func key() throws(CommandFailure) -> ModelKey { try Self.parse(name: name) }

    /// The model that is meant, for whoever asks a daemon about it. Reads the state where the name alone does not tell.
    func key(in state: StateOptions) throws(CommandFailure) -> ModelKey {
        let key = try key()
        // Where nothing is known of the source, or nothing can be read, the daemon says what there is to say.
        guard Self.namesNoModel(name), let models = (try? readState(state.directory))?.models,
            models.contains(where: { $0.model.key.isBeside(key) })
        else { return key }
        return try Self.model(named: name, key: key, among: models).model.key
    }

    static func parse(name: String) throws(CommandFailure) -> ModelKey {
        guard let key = ModelKey(name) else {
            throw CommandFailure(
                "'\(name)' is not a model; write domain/source or domain/source/model", status: ExitStatus.usage)
        }
        return key
    }

    private static func namesNoModel(_ name: String) -> Bool { name.split(separator: "/").count == 2 }
}

// MARK: - Which model a name means

extension ModelArgument {
    /// The model of a name, as for predictions: where it names no model, the source's `default`, else its only one. Those
    /// that are on their way out count only where there is nothing else. Without I/O.
    /// - Parameter key: what ``parse(name:)`` makes of the name.
    static func model(
        named name: String, key: ModelKey, among models: [ModelSnapshot]
    ) throws(CommandFailure) -> ModelSnapshot {
        guard namesNoModel(name) else {
            if let model = models.first(where: { $0.model.key == key }) { return model }
            throw none(of: key, among: models)
        }
        let siblings = models.filter { $0.model.key.isBeside(key) }
        let defined = siblings.filter { !$0.model.isRemoved }
        let candidates = defined.isEmpty ? siblings : defined
        if let model = candidates.first(where: { $0.model.key == key }) { return model }
        guard let first = candidates.first else { throw none(of: key, among: models) }
        guard candidates.count == 1 else { throw CommandFailure(several(of: key, candidates.map(\.model.key))) }
        return first
    }

    private static func none(of key: ModelKey, among models: [ModelSnapshot]) -> CommandFailure {
        CommandFailure(.noSuchModel(key, suggestion: models.map(\.model.key).nearest(to: key)?.description))
    }

    private static func several(of key: ModelKey, _ keys: [ModelKey]) -> String {
        let shown = keys.prefix(mostNamed).map(\.description).joined(separator: ", ")
        return "\(key.domain)/\(key.source) has no model `\(key.model)`: name one of \(shown)"
            + (keys.count > mostNamed ? ", …" : "")
    }

    /// How many models a message names.
    private static let mostNamed = 10
}

extension ModelKey {
    /// Whether both are models of one source.
    fileprivate func isBeside(_ other: ModelKey) -> Bool { domain == other.domain && source == other.source }
}
