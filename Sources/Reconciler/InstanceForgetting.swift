package import ModelCore

/// An instance that modelet has given up.
package struct ForgottenInstance: Codable, Hashable, Sendable {
    package var instance: InstanceID
    package var model: ModelKey
    /// What may be left of it, and what becomes of that: a clause.
    package var leftover: String

    package init(instance: InstanceID, model: ModelKey, leftover: String) {
        self.instance = instance
        self.model = model
        self.leftover = leftover
    }
}

/// Ends modelet's claim on an instance that can be neither found nor proved gone, at an operator's word. Works on the
/// store alone, so that it needs no running controller. Signals nothing.
package struct InstanceForgetting: Sendable {
    private let store: any InstanceStore

    package init(store: any InstanceStore) {
        self.store = store
    }

    /// Records that an operator gives an instance up. Once that is recorded, its port is free and its model goes on.
    /// - Parameter name: the instance's id, or as much of its beginning as no other live instance shares.
    package func forget(
        _ name: String, by: String, at time: Timestamp
    ) async throws(ControlError) -> ForgottenInstance {
        let found = try Self.choose(name, among: try await live())
        do throws(StoreError) {
            try await store.commit(.forgotten(found.id, by: by), at: time)
        } catch {
            throw ControlError(error)
        }
        // It may have been found between the look and the transaction, which changes nothing then.
        if try await live().contains(where: { $0.id == found.id }) {
            throw .refused("instance \(found.id) of \(found.key) has just been found again; nothing was changed")
        }
        return ForgottenInstance(instance: found.id, model: found.key, leftover: found.leftover)
    }

    private func live() async throws(ControlError) -> [InstanceRecord] {
        do throws(StoreError) {
            return try await store.liveInstances()
        } catch {
            throw ControlError(error)
        }
    }

    // MARK: - Which one

    /// How many instances a message names.
    private static let mostNamed = 5

    private static func choose(
        _ name: String, among live: [InstanceRecord]
    ) throws(ControlError) -> InstanceRecord {
        let wanted = name.lowercased()
        let matches = wanted.isEmpty ? [] : live.filter { $0.id.text.hasPrefix(wanted) }
        guard let found = matches.first else {
            throw .noSuchInstance(name, suggestion: suggestion(for: name, among: live))
        }
        guard matches.count == 1 else {
            throw .refused("\(name) is the beginning of several instances: \(list(matches)); write more of it")
        }
        guard found.unknownReason != nil else {
            throw .refused(
                "instance \(found.id) of \(found.key) is not unknown, it is \(found.phase): "
                    + "`modelet unload \(found.key)` ends it")
        }
        return found
    }

    private static func suggestion(for name: String, among live: [InstanceRecord]) -> String {
        let unknown = live.filter { $0.unknownReason != nil }
        if let key = ModelKey(name), let meant = unknown.first(where: { $0.key == key }) {
            return "the instance of \(key) is \(meant.id)"
        }
        return unknown.isEmpty ? "no instance is unknown" : "unknown are: \(list(unknown))"
    }

    private static func list(_ instances: [InstanceRecord]) -> String {
        let named = instances.prefix(mostNamed).map { "\($0.id) (\($0.key))" }.joined(separator: ", ")
        return instances.count > mostNamed ? "\(named) and \(instances.count - mostNamed) more" : named
    }
}

extension InstanceRecord {
    /// What becomes of what may be left of it once nobody claims it.
    fileprivate var leftover: String {
        if containerID != nil || image != nil {
            let place = engine.map { " at \($0.address)" } ?? ""
            return "its container modelet-\(id) is stopped once modelet has seen it\(place) for a minute; "
                + "`docker rm --force modelet-\(id)` does so at once"
        }
        let processes = [server?.pid, shim?.pid].compactMap(\.self).map { "pid \($0)" }.joined(separator: ", ")
        return "what may be left of it is not ended" + (processes.isEmpty ? "" : " (it was \(processes))")
    }
}
