/// Guesses what somebody meant who wrote `word`: the one of `known` that differs least from it, if it is near enough.
func nearest(to word: String, among known: some Sequence<String>) -> String? {
    let longestGuessed = 64
    let letters = Array(word.utf8)
    guard letters.count <= longestGuessed else { return nil }
    let plain = withoutStyle(word)
    var best: (word: String, distance: Int)?
    for candidate in known {
        if withoutStyle(candidate) == plain { return candidate }
        let allowed = max(1, min(3, candidate.utf8.count / 3))
        guard abs(candidate.utf8.count - letters.count) <= allowed else { continue }
        let distance = editDistance(letters, Array(candidate.utf8))
        if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.word
}

/// `startupCommand` and `startup-command` are `startup_command` in another style.
private func withoutStyle(_ word: String) -> String {
    word.lowercased().filter { $0 != "_" && $0 != "-" }
}

/// How many letters must be inserted, deleted, replaced or swapped with their neighbour to turn one into the other.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...b.count)
    for i in a.indices {
        var current = [i + 1]
        for j in b.indices {
            var cost = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforePrevious[j - 1] + 1) }
            current.append(cost)
        }
        beforePrevious = previous
        previous = current
    }
    return previous[b.count]
}
