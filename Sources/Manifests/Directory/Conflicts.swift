import ModelCore

/// What only shows when all manifests of a root are looked at together.
struct Conflicts {
    private struct Place {
        let model: DecodedModel
        let findings: Findings

        func named(_ position: Position) -> String { "\(findings.file):\(position.line)" }
    }

    /// How many other places a message names: whoever has mended these is told of the next.
    private static let mostNamed = 3

    private let places: [Place]

    init(_ files: [ManifestFile]) {
        places = files.flatMap { file in file.models.map { Place(model: $0, findings: file.findings) } }
    }

    /// Reports each conflict in every file that takes part in it.
    func report() {
        reportKeys()
        reportPorts()
    }

    private func reportKeys() {
        for sharers in Dictionary(grouping: places, by: \.model.key).values where sharers.count > 1 {
            for place in sharers {
                let others = sharers.filter { $0.findings !== place.findings }.prefix(Self.mostNamed)
                    .map { $0.named($0.model.position) }.joined(separator: ", ")
                place.findings.report(
                    Problem("\(place.model.key) is also defined in \(others)", hint: "keep one of them"),
                    at: place.model.position)
            }
        }
    }

    private func reportPorts() {
        let withPorts = places.compactMap { place in place.model.port.map { (place: place, port: $0) } }
        for sharers in Dictionary(grouping: withPorts, by: \.port.number).values {
            for (index, later) in sharers.enumerated() {
                guard let earlier = sharers[..<index].first(where: { $0.port.overlaps(later.port) }) else { continue }
                report(later.place, later.port, against: earlier.place, earlier.port)
                if earlier.place.findings !== later.place.findings {
                    report(earlier.place, earlier.port, against: later.place, later.port)
                }
            }
        }
    }

    private func report(_ place: Place, _ port: FixedPort, against other: Place, _ otherPort: FixedPort) {
        guard place.model.key != other.model.key else { return }
        place.findings.report(
            Problem(
                "port \(port.number) of \(place.model.key) is also the port of \(other.model.key) "
                    + "(\(other.named(otherPort.position)))",
                hint: "give one of them another port, or leave it out to have one allocated"),
            at: port.position)
    }
}

extension FixedPort {
    /// Whether both could not be bound at once. Names are not looked up: an unknown one is only itself.
    fileprivate func overlaps(_ other: FixedPort) -> Bool {
        guard let mine = addresses, let theirs = other.addresses else { return true }
        return !mine.isDisjoint(with: theirs)
    }

    /// `nil`: all addresses.
    private var addresses: Set<String>? {
        switch host?.lowercased() {
        case nil, "0.0.0.0", "::": nil
        case "localhost": ["127.0.0.1", "::1"]
        case let host?: [host]
        }
    }
}
