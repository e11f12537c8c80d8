import ModelCore

/// The models that one event loop knows, found by the bytes of a path without making a string of them.
struct RouteIndex {
    /// The models of one source.
    struct Source {
        /// `domain/source`.
        var name: [UInt8]
        var models: [RouteEntry]

        /// What a request means that names only the source: the model `default`, else the only one.
        var preferred: RouteEntry? {
            if models.count == 1 { return models[0] }
            return models.first { $0.key.model == ModelKey.defaultModel }
        }
    }

    /// Whether every model there is has been published: until then a name that is not here may yet be.
    var isComplete = false
    private(set) var entries: [ModelKey: RouteEntry] = [:]
    private var byName: [UInt64: [RouteEntry]] = [:]
    private var bySource: [UInt64: [Source]] = [:]

    /// The model named `domain/source/model`.
    func model(named name: UnsafeRawBufferPointer) -> RouteEntry? {
        guard let found = byName[Self.hash(name)] else { return nil }
        for entry in found where name.elementsEqual(entry.name) { return entry }
        return nil
    }

    /// The models of `domain/source`.
    func source(named name: UnsafeRawBufferPointer) -> Source? {
        guard let found = bySource[Self.hash(name)] else { return nil }
        for source in found where name.elementsEqual(source.name) { return source }
        return nil
    }

    mutating func insert(_ entry: RouteEntry) {
        entries[entry.key] = entry
        byName[Self.hash(entry.name), default: []].append(entry)
        let source = Self.sourceName(entry.key)
        var found = bySource[Self.hash(source)] ?? []
        if let index = found.firstIndex(where: { $0.name == source }) {
            found[index].models.append(entry)
        } else {
            found.append(Source(name: source, models: [entry]))
        }
        bySource[Self.hash(source)] = found
    }

    mutating func remove(_ key: ModelKey) -> RouteEntry? {
        guard let entry = entries.removeValue(forKey: key) else { return nil }
        byName[Self.hash(entry.name)]?.removeAll { $0 === entry }
        let source = Self.sourceName(key)
        var found = bySource[Self.hash(source)] ?? []
        if let index = found.firstIndex(where: { $0.name == source }) {
            found[index].models.removeAll { $0 === entry }
            if found[index].models.isEmpty { found.remove(at: index) }
        }
        bySource[Self.hash(source)] = found.isEmpty ? nil : found
        return entry
    }

    private static func sourceName(_ key: ModelKey) -> [UInt8] {
        Array("\(key.domain)/\(key.source)".utf8)
    }

    private static func hash(_ name: [UInt8]) -> UInt64 {
        name.withUnsafeBytes { hash($0) }
    }

    /// FNV-1a. Names come from manifests, so nobody can make them collide from outside.
    private static func hash(_ name: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return hash
    }
}
