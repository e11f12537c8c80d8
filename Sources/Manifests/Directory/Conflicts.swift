import ModelCore

/// What only shows when all manifests of a root are looked at together.
///
/// Between files it is not decided here, since that depends on what is enforced. Within one file it is an error of that.
struct Conflicts {
    private struct Place {
        let model: DecodedModel
        let findings: Findings

        func named(_ position: Position) -> String { "\(findings.file):\(position.line)" }

        func side(_ problem: Problem, at position: Position, port: PortClaim? = nil) -> ManifestConflict.Side {
            ManifestConflict.Side(
                key: model.key, file: findings.file, port: port, diagnostic: findings.diagnostic(problem, at: position))
        }
    }

    private struct Claim {
        let place: Place
        let port: FixedPort

        /// As it is named beside others.
        var name: String { "\(place.model.key) (\(place.named(port.position)))" }

        func overlaps(_ other: Claim) -> Bool {
            place.model.key != other.place.model.key && port.claim.overlaps(other.port.claim)
        }

        /// What is wrong with it, beside others that are named.
        func problem(beside names: [String]) -> Problem {
            Problem(
                "port \(port.claim.number) of \(place.model.key) is also the port of \(names.joined(separator: ", "))",
                hint: "give one of them another port, or leave it out to have one allocated")
        }
    }

    /// How many other places a message names: whoever has mended these is told of the next.
    private static let mostNamed = 3

    /// The conflicts between files.
    private(set) var all: [ManifestConflict] = []
    private let places: [Place]

    /// Reports to the file what is wrong within one.
    init(_ files: [ManifestFile]) {
        places = files.flatMap { file in file.models.map { Place(model: $0, findings: file.findings) } }
        findKeys()
        findPorts()
    }

    private mutating func findKeys() {
        for sharers in Dictionary(grouping: places, by: \.model.key).values where sharers.count > 1 {
            let sides = sharers.map { place in
                let others = sharers.filter { $0.findings !== place.findings }.prefix(Self.mostNamed)
                    .map { $0.named($0.model.position) }.joined(separator: ", ")
                return place.side(
                    Problem("\(place.model.key) is also defined in \(others)", hint: "keep one of them"),
                    at: place.model.position)
            }
            all.append(ManifestConflict(.key, sides: sides))
        }
    }

    private mutating func findPorts() {
        let claims = places.compactMap { place in place.model.port.map { Claim(place: place, port: $0) } }
        for sharers in Dictionary(grouping: claims, by: \.port.claim.number).values where sharers.count > 1 {
            reportWithinFiles(sharers)
            let sides = sharers.compactMap { side($0, among: sharers) }
            if !sides.isEmpty { all.append(ManifestConflict(.port, sides: sides)) }
        }
    }

    private func reportWithinFiles(_ sharers: [Claim]) {
        for sharers in Dictionary(grouping: sharers, by: \.place.findings.file).values {
            for (index, later) in sharers.enumerated() {
                let earlier = sharers[..<index].lazy.filter { $0.overlaps(later) }
                for other in earlier.prefix(Self.mostNamed) {
                    later.place.findings.report(later.problem(beside: [other.name]), at: later.port.position)
                }
            }
        }
    }

    /// What of a conflict concerns a claim; `nil` where no other file has one that overlaps it. Of each such file one is
    /// named.
    private func side(_ claim: Claim, among sharers: [Claim]) -> ManifestConflict.Side? {
        var files: Set = [claim.place.findings.file]
        var names: [String] = []
        for other in sharers where other.overlaps(claim) && files.insert(other.place.findings.file).inserted {
            names.append(other.name)
            if names.count == Self.mostNamed { break }
        }
        if names.isEmpty { return nil }
        return claim.place.side(claim.problem(beside: names), at: claim.port.position, port: claim.port.claim)
    }
}
