import ModelCore

/// What only shows when all manifests of a root are looked at together.
///
/// Between files it is not decided here, since that depends on what is enforced. Within one file it is an error of that.
struct Conflicts {
    private struct Place {
        let model: DecodedModel
        let findings: Findings

        func named(_ position: Position) -> String { "\(findings.file):\(position.line)" }

        func side(_ problem: Problem, at position: Position) -> ManifestConflict.Side {
            ManifestConflict.Side(
                key: model.key, file: findings.file, diagnostic: findings.diagnostic(problem, at: position))
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
        let withPorts = places.compactMap { place in place.model.port.map { (place: place, port: $0) } }
        for sharers in Dictionary(grouping: withPorts, by: \.port.claim.number).values {
            for (index, later) in sharers.enumerated() {
                let earlier = sharers[..<index].filter {
                    $0.port.claim.overlaps(later.port.claim) && $0.place.model.key != later.place.model.key
                }
                for other in earlier.prefix(Self.mostNamed) {
                    note(later.place, later.port, other.place, other.port)
                }
            }
        }
    }

    private mutating func note(_ later: Place, _ port: FixedPort, _ earlier: Place, _ otherPort: FixedPort) {
        let problem = sharedPort(later, port, with: earlier, otherPort)
        guard earlier.findings !== later.findings else { return later.findings.report(problem, at: port.position) }
        all.append(
            ManifestConflict(
                .port(port.claim),
                sides: [
                    earlier.side(sharedPort(earlier, otherPort, with: later, port), at: otherPort.position),
                    later.side(problem, at: port.position),
                ]))
    }

    private func sharedPort(_ place: Place, _ port: FixedPort, with other: Place, _ otherPort: FixedPort) -> Problem {
        Problem(
            "port \(port.claim.number) of \(place.model.key) is also the port of \(other.model.key) "
                + "(\(other.named(otherPort.position)))",
            hint: "give one of them another port, or leave it out to have one allocated")
    }
}
