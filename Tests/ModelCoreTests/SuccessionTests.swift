import ModelCore
import Testing

/// Whose place it is between the end of an instance and the start of the next one.
struct SuccessionTests {
    private static func isSucceeded(
        _ model: ModelRecord, _ instances: [InstanceRecord], by step: (InstanceID) -> Step
    ) -> Bool {
        Observation(model: model, instances: instances).succeeded(by: .operate(step(.i), cause: "")) != nil
    }

    @Test func anInstanceIsEndedForItsSuccessorWhereAnotherGenerationIsWanted() {
        let edited = Situation.eager {
            $0.generation = 2; $0.freshSince = 2
        }
        let former = Situation.instance(.ready, isRouted: true)
        #expect(Self.isSucceeded(edited, [former], by: Step.drain))
        #expect(Self.isSucceeded(edited, [former], by: Step.stop))
        #expect(!Self.isSucceeded(edited, [former], by: Step.unload))
        #expect(!Self.isSucceeded(edited, [former], by: Step.giveUp))
        // It is what is wanted; or what is wanted is there.
        #expect(!Self.isSucceeded(Situation.eager(), [former], by: Step.drain))
        let next = Situation.instance(.ready, id: "next", generation: 2)
        #expect(!Self.isSucceeded(edited, [former, next], by: Step.drain))
        // Nothing is wanted.
        var held = edited
        held.hold = Hold(since: Situation.now, by: "ann")
        #expect(!Self.isSucceeded(held, [former], by: Step.drain))
        var removed = edited
        removed.isRemoved = true
        #expect(!Self.isSucceeded(removed, [former], by: Step.drain))
    }

    @Test func whatIsFoundOnItsWayOutWasEndedForWhoeverAskedBefore() {
        func isSucceeded(demandedSince: Seconds) -> Bool {
            let model = Situation.model(generation: 2) {
                $0.freshSince = 2
                $0.demand = .loaded(since: Situation.now + demandedSince, by: "request")
            }
            return Self.isSucceeded(model, [Situation.instance(.draining)], by: Step.stop)
        }
        // It has been draining for ten seconds.
        #expect(isSucceeded(demandedSince: -20))
        #expect(!isSucceeded(demandedSince: -5))
    }

    // MARK: - The line

    private static let own = Situation.key
    private static let other = ModelKey(domain: "d", source: "s", model: "other")

    private static func claim(
        _ key: ModelKey, _ priority: Claim.Priority, since: Int64, memory: Int64, isSuccession: Bool = false
    ) -> Claim {
        var claim = Claim(
            key: key, port: 0, memory: memory, priority: priority, since: Situation.now + Seconds(since))
        claim.isSuccession = isSuccession
        return claim
    }

    private static let successor = claim(own, .eager, since: 5, memory: 5, isSuccession: true)
    private static let earlier = claim(other, .caller, since: 0, memory: 4)

    private static func ledger(_ holders: [Holder] = [], slots: Int = 4) -> Ledger {
        Ledger(limits: HostLimits(startSlots: slots, memory: 8), holders: holders, ports: [:])
    }

    private static let leaving = Holder(instance: .i, key: own, memory: 5, tenure: .leaving)

    @Test func itsPlaceIsGivenToNobodyElse() {
        let line = [Self.successor, Self.earlier]
        for holders in [[], [Self.leaving]] {
            let admission = admit(Self.earlier, waiting: line, ledger: Self.ledger(holders))
            guard case .wait = admission else {
                Issue.record("\(admission)")
                continue
            }
        }
        #expect(admit(Self.successor, waiting: line, ledger: Self.ledger()) == .granted)
        #expect(callUp(line, ledger: Self.ledger()).keys == [Self.own])
    }

    @Test func aPlaceThatIsNotFreeYetTakesNoStartSlot() {
        let small = Self.claim(Self.other, .caller, since: 0, memory: 3)
        let holder = Holder(instance: .i, key: Self.own, memory: 5, tenure: .leaving)
        let ledger = Self.ledger([holder], slots: 1)
        #expect(admit(small, waiting: [Self.successor, small], ledger: ledger) == .granted)
        #expect(callUp([Self.successor, small], ledger: ledger).keys == [Self.other])
    }

    /// Slow models give their slots back to callers first.
    @Test func aSuccessorWithoutAStartSlotKeepsNoCallerFromOne() {
        let slow = Holder(
            instance: .other, key: ModelKey(domain: "d", source: "s", model: "slow"), startingFor: 10, tenure: .fixed)
        let small = Self.claim(Self.other, .caller, since: 0, memory: 3)
        let called = callUp([Self.successor, small], ledger: Self.ledger([slow], slots: 1))
        #expect(called.keys == [Self.other])
        #expect(called.askAgainIn == 20)
    }

    // MARK: - Memory

    @Test(
        arguments: [(nil, nil, 4), (2, nil, 2), (0, nil, 0), (nil, 3, 3), (2, 3, 2)] as [(Int64?, Int64?, Int64)])
    func aFormerInstanceCountsAsItWasAccepted(declared: Int64?, limit: Int64?, expected: Int64) {
        let model = Situation.model(generation: 2) {
            $0.freshSince = 2
            $0.spec.memory = 4
        }
        var source = Situation.artifact()
        if let limit {
            var container = ContainerSpec(containerPort: 80)
            container.memory = limit
            source = .docker(DockerSpec(image: "x:1", container: container))
        }
        let ledger = Ledger(
            limits: HostLimits(memory: 8), ports: [:], instances: [Situation.instance(.ready, source: source)],
            models: [Situation.key: model], uses: [.i: InstanceUse(declared: declared)], now: Situation.now)
        #expect(ledger.memory == expected)
    }
}
