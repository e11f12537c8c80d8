package import ModelCore

/// A `pull` operation of an in-memory store.
package struct InMemoryPull: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        case open
        case succeeded
        case failed(String)
    }

    package var key: ModelKey
    package var cause: String
    package var outcome = Outcome.open
    /// What events told of its progress.
    package var news: [PullProgress] = []
}

extension InMemoryState {
    mutating func pull(_ key: ModelKey, _ progress: PullProgress, cause: String, isNews: Bool) {
        guard let model = models[key], model.pull != progress || model.waiting != nil else { return }
        if model.pull == nil { pulls.append(InMemoryPull(key: key, cause: cause)) }
        models[key]?.pull = progress
        models[key]?.waiting = nil
        if isNews, let index = openPull(of: key) { pulls[index].news.append(progress) }
    }

    /// Nothing happens where no pull is recorded.
    mutating func endPull(of key: ModelKey, _ outcome: InMemoryPull.Outcome) {
        guard models[key]?.pull != nil else { return }
        models[key]?.pull = nil
        if let index = openPull(of: key) { pulls[index].outcome = outcome }
    }

    private func openPull(of key: ModelKey) -> Int? {
        pulls.firstIndex { $0.key == key && $0.outcome == .open }
    }
}
