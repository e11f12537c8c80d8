import ModelCore

extension RouteIndex {
    /// How many names a sentence lists at most.
    private static let mostListed = 8

    /// Says which part of `domain/source[/model]` is not known, and what there is instead.
    func notFound(_ name: UnsafeRawBufferPointer) -> LocalReply {
        let text = String(decoding: name, as: UTF8.self)
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), parts.allSatisfy(ModelKey.isValidID) else {
            return LocalReply(
                404, "model_not_found",
                "a prediction is asked for at /orchestrator/DOMAIN/SOURCE or /orchestrator/DOMAIN/SOURCE/MODEL")
        }
        return unknown(parts)
    }

    /// The same of a request to a model's own API, whose path names all three.
    func apiNotFound(_ name: UnsafeRawBufferPointer) -> LocalReply {
        let text = String(decoding: name, as: UTF8.self)
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, parts.allSatisfy(ModelKey.isValidID) else {
            return LocalReply(404, "model_not_found", "a model's own API is at /upstream/DOMAIN/SOURCE/MODEL/…")
        }
        return unknown(parts)
    }

    private func unknown(_ parts: [String]) -> LocalReply {
        isComplete ? LocalReply(404, "model_not_found", sentence(parts)) : .starting
    }

    private func sentence(_ parts: [String]) -> String {
        let keys = entries.keys
        let ofDomain = keys.filter { $0.domain == parts[0] }
        guard !ofDomain.isEmpty else {
            return "there is no domain `\(parts[0])`\(Self.list(keys.map(\.domain)))"
        }
        let ofSource = ofDomain.filter { $0.source == parts[1] }
        guard !ofSource.isEmpty else {
            return "domain `\(parts[0])` has no source `\(parts[1])`\(Self.list(ofDomain.map(\.source)))"
        }
        let models = Self.list(ofSource.map(\.model))
        guard parts.count == 3 else {
            return "source `\(parts[0])/\(parts[1])` has several models and none is `default`\(models)"
        }
        return "source `\(parts[0])/\(parts[1])` has no model `\(parts[2])`\(models)"
    }

    private static func list(_ names: [String]) -> String {
        let all = Set(names).sorted()
        guard !all.isEmpty else { return "; no model is configured" }
        let shown = all.prefix(mostListed).map { "`\($0)`" }.joined(separator: ", ")
        return "; there is \(shown)" + (all.count > mostListed ? " and \(all.count - mostListed) more" : "")
    }
}
