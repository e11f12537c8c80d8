import ModelCore
import Testing

struct AdmitTests {
    private static let other = ModelKey(domain: "d", source: "s", model: "other")

    @Test(
        arguments: [
            (0, [:], Admission.granted),
            (3, [20001: other], .granted),
            (4, [:], .wait(reason: "waits for a start slot (4 of 4 in use)")),
            // More than there are: the limit was lowered while they started.
            (5, [:], .wait(reason: "waits for a start slot (5 of 4 in use)")),
            (0, [20000: other], .wait(reason: "port 20000 is leased to d/s/other")),
            // The port is what it will wait for longest.
            (4, [20000: other], .wait(reason: "port 20000 is leased to d/s/other")),
            // An instance of its own that has not let go yet.
            (0, [20000: Situation.key], .wait(reason: "port 20000 is leased to d/s/m")),
        ] as [(Int, [Int: ModelKey], Admission)])
    func admission(starting: Int, ports: [Int: ModelKey], expected: Admission) {
        let ledger = Ledger(startSlots: 4, starting: starting, ports: ports)
        #expect(admit(Claim(key: Situation.key, port: 20000), ledger: ledger) == expected)
    }

    @Test(arguments: 0..<50)
    func grantsNeverExceedWhatThereIs(seed: Int) {
        var random = SeededGenerator(seed: seed)
        let slots = Int.random(in: 1...4, using: &random)
        var running: [(port: Int, isStarting: Bool)] = []
        for _ in 0..<200 {
            if random.oneIn(3), !running.isEmpty {
                let index = Int.random(in: running.indices, using: &random)
                if running[index].isStarting { running[index].isStarting = false } else { running.remove(at: index) }
            }
            let ledger = Ledger(
                startSlots: slots, starting: running.filter(\.isStarting).count,
                ports: Dictionary(uniqueKeysWithValues: running.map { ($0.port, Self.other) }))
            let port = Int.random(in: 20000...20009, using: &random)
            let isFree = ledger.ports[port] == nil && ledger.starting < slots
            #expect((admit(Claim(key: Situation.key, port: port), ledger: ledger) == .granted) == isFree)
            if isFree { running.append((port, true)) }
            #expect(running.filter(\.isStarting).count <= slots)
            #expect(Set(running.map(\.port)).count == running.count)
        }
    }
}
