import ModelCore
import Reconciler
import StateStore

/// Which instance somebody means who asks for a model's log. Without I/O.
struct LogChoice {
    private let model: ModelRecord
    private let condition: ModelCondition
    private let recorded: [InstanceRecord]

    /// - Parameter recorded: the model's instances, the one that was launched last first.
    init(_ model: ModelRecord, _ condition: ModelCondition, _ recorded: [InstanceRecord]) {
        self.model = model
        self.condition = condition
        self.recorded = recorded
    }

    /// - Parameters:
    ///   - id: its id, or the beginning of it; `nil`: the latest.
    ///   - isPrevious: the one that was launched before that.
    func instance(_ id: String?, isPrevious: Bool) throws(CommandFailure) -> InstanceRecord {
        guard !recorded.isEmpty else { throw CommandFailure(nothingYet) }
        let index = try id.map { id throws(CommandFailure) in try self.index(of: id) } ?? 0
        guard isPrevious else { return recorded[index] }
        guard index + 1 < recorded.count else {
            throw CommandFailure("no instance of \(model.key) from before \(recorded[index].id) is remembered")
        }
        return recorded[index + 1]
    }

    private func index(of id: String) throws(CommandFailure) -> Int {
        let found = recorded.indices.filter { recorded[$0].id.text.hasPrefix(id.lowercased()) }
        if let index = found.first(where: { recorded[$0].id.text == id.lowercased() }) { return index }
        guard let only = found.first else {
            throw CommandFailure(
                "\(model.key) has no instance \(id); it has " + recorded.map(\.id.text).joined(separator: ", "))
        }
        guard found.count == 1 else {
            throw CommandFailure("\(id) is the beginning of \(found.count) instances; write more of it")
        }
        return only
    }

    private var nothingYet: String {
        if model.spec.isRemote {
            return "\(model.key) runs elsewhere: modelet only forwards requests to it, and has no log of it"
        }
        let reason = condition.reason.map { ": \($0)" } ?? ""
        return "no instance of \(model.key) has been launched yet; it is \(condition.state.rawValue)\(reason)"
    }

    /// That an instance has ended, and how.
    static func ending(of instance: InstanceRecord) -> String {
        let how = instance.exit.map { ": \($0.message)" } ?? ""
        return "modelet: instance \(instance.id) of \(instance.key) has ended\(how)"
    }
}
