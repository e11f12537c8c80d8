import ModelCore
import Reconciler
import StateStore

/// What is said about events beside them, on standard error.
enum EventRemarks {
    /// That older ones were asked for than are kept; `nil` where that is not so.
    static func onWhatIsGone(_ query: EventQuery, _ kept: EventRange) -> String? {
        guard let since = query.since, let oldest = kept.since, kept.oldest > 1, since < oldest else { return nil }
        return "modelet: events from before \(oldest.rfc3339) are no longer kept"
    }

    /// Says why nothing is shown. Throws where there is nothing and never was: somebody has mistyped.
    static func explainNothing(_ query: EventQuery, in directory: StateDirectory) throws {
        let reader = StateReader(directory)
        let kinds: [String]
        let models: [ModelKey]
        do throws(StoreError) {
            kinds = try reader.eventKinds()
            models = try reader.snapshot()?.models.map(\.model.key) ?? []
        } catch {
            throw CommandFailure(error)
        }
        if let failure = mistake(in: query, kinds: kinds, models: models) { throw failure }
        Console.printError("modelet: no such event")
    }

    /// What cannot be right about a query that finds nothing.
    static func mistake(in query: EventQuery, kinds: [String], models: [ModelKey]) -> CommandFailure? {
        let unknown = query.kinds.filter { !kinds.contains($0) }.sorted()
        if let kind = unknown.first {
            let known = kinds.isEmpty ? "none" : kinds.joined(separator: ", ")
            return CommandFailure("no event of the kind \(kind) is recorded; the kinds that are: \(known)")
        }
        guard let scope = query.scope,
            !models.contains(where: { $0.description == scope || $0.description.hasPrefix(scope + "/") })
        else { return nil }
        return CommandFailure("there is no model \(scope), and no event of one" + suggestion(scope, models))
    }

    private static func suggestion(_ scope: String, _ models: [ModelKey]) -> String {
        guard let key = ModelKey(scope), let near = models.nearest(to: key) else {
            let domains = Set(models.map(\.domain)).sorted()
            return domains.isEmpty ? "" : "; the domains are \(domains.joined(separator: ", "))"
        }
        return "; did you mean \(near)?"
    }
}
