import ModelCore
import Testing

/// For how long a start keeps others from starting, and who is called up when it does so no more.
struct StartSlotTests {
    private static func key(_ name: String) -> ModelKey { ModelKey(domain: "d", source: "s", model: name) }

    private static func holder(_ name: String, startingFor: Seconds?, _ tenure: Tenure = .fixed) -> Holder {
        Holder(instance: InstanceID(name), key: key(name), startingFor: startingFor, tenure: tenure)
    }

    private static func claim(
        _ name: String, _ priority: Claim.Priority, since: Int64 = 0, memory: Int64 = 0, port: Int = 0
    ) -> Claim {
        Claim(key: key(name), port: port, memory: memory, priority: priority, since: Situation.now + Seconds(since))
    }

    private static func ledger(_ ages: [Seconds?], slots: Int = 2) -> Ledger {
        let holders = ages.enumerated().map { holder("h\($0)", startingFor: $1) }
        return Ledger(limits: HostLimits(startSlots: slots), holders: holders, ports: [:])
    }

    private static let almost = Seconds(milliseconds: 29_999)

    @Test(
        arguments: [
            // Nobody is starting any more, or only one is.
            ([nil, nil], .rest, true),
            ([0, nil], .rest, true),
            // All slots are held, by quick ones and by slow ones.
            ([0, 0], .caller, false),
            ([Seconds(milliseconds: 4999), 0], .caller, false),
            ([5, 0], .caller, true),
            ([5, 0], .eager, false),
            ([5, 5], .rest, false),
            ([almost, almost], .eager, false),
            ([30, almost], .eager, true),
            ([30, almost], .rest, true),
            ([3600, 3600, 3600, 0], .rest, true),
            ([3600, 3600, 0, 0], .caller, false),
            // The clock was set back after they were launched.
            ([-3600, -3600], .rest, true),
        ] as [([Seconds?], Claim.Priority, Bool)])
    func slotIsHeldForABoundedTime(ages: [Seconds?], priority: Claim.Priority, isGranted: Bool) {
        let admission = admit(Self.claim("new", priority), ledger: Self.ledger(ages))
        #expect((admission == .granted) == isGranted)
        if !isGranted { #expect(admission == .wait(reason: "waits for a start slot (2 of 2 in use)")) }
    }

    @Test func timeCountsFromTheGrantUntilItIsReady() {
        func age(_ phase: Phase) -> Seconds? {
            let instance = Situation.instance(phase)
            return Ledger(
                limits: HostLimits(), ports: [:], instances: [instance], models: [:], uses: [:], now: Situation.now
            ).holders[0].startingFor
        }
        // Created eleven seconds ago, let go ten seconds ago.
        #expect([Phase.intent, .gated, .starting].map(age) == [11, 11, 11])
        #expect([Phase.ready, .unready, .draining, .stopping].map(age) == [nil, nil, nil, nil])
    }

    // MARK: - The line

    private static func called(_ waiting: [Claim], _ ledger: Ledger) -> [String] {
        callUp(waiting, ledger: ledger).keys.map(\.model)
    }

    @Test func oneFreeSlotWakesOneModel() {
        let line = (0..<200).map { Self.claim("m\($0)", .eager, since: Int64($0)) }
        #expect(Self.called(line, Self.ledger([nil, nil, 0])) == ["m0"])
        #expect(Self.called(line.reversed(), Self.ledger([])) == ["m0", "m1"])
        #expect(Self.called(line, Self.ledger([0, 0])) == [])
    }

    @Test func callersAreCalledUpFirst() {
        let line = [
            Self.claim("rest", .rest, since: 0), Self.claim("eager", .eager, since: 1),
            Self.claim("caller", .caller, since: 9),
        ]
        #expect(Self.called(line, Self.ledger([0])) == ["caller"])
        #expect(Self.called(line, Self.ledger([])) == ["caller", "eager"])
        // One slot is free for the caller alone: who waits without one sees both held.
        #expect(Self.called(line, Self.ledger([5, 0])) == ["caller"])
    }

    @Test func lineIsAskedAgainWhenASlotIsGivenBackByTime() {
        func wait(_ ages: [Seconds?], _ priority: Claim.Priority) -> Seconds? {
            callUp([Self.claim("new", priority)], ledger: Self.ledger(ages)).askAgainIn
        }
        #expect(wait([1, 3], .caller) == 2)
        #expect(wait([1, 3], .eager) == 27)
        #expect(wait([1, 40, 3], .rest) == 27)
        #expect(wait([nil, nil], .rest) == nil)
        // A caller in line is nearer to his slot than all who come after him.
        let both = [Self.claim("eager", .eager), Self.claim("caller", .caller, since: 5)]
        #expect(callUp(both, ledger: Self.ledger([1, 3])).askAgainIn == 2)
    }

    @Test func whoCannotBeServedHoldsNobodyUp() {
        var ledger = Self.ledger([nil])
        ledger.limits.memory = 10
        ledger.holders[0].memory = 6
        let line = [Self.claim("large", .caller, memory: 5), Self.claim("small", .eager, since: 1, memory: 4)]
        #expect(Self.called(line, ledger) == ["small"])
    }

    /// Whoever would be admitted is called up, and nobody is who would have to wait.
    @Test(arguments: 0..<200)
    func calledUpAreThoseWhoNeedNotWait(seed: Int) {
        var random = SeededGenerator(seed: seed)
        let ledger = Self.randomLedger(&random)
        let line = (0..<Int.random(in: 1...12, using: &random)).map { number in
            Claim(
                key: Self.key("m\(number)"), port: 0, memory: Int64.random(in: 0...8, using: &random),
                priority: [.caller, .eager, .rest].randomElement(using: &random) ?? .rest,
                since: Situation.now + Seconds(Int64.random(in: 0...3, using: &random)),
                mayDisturb: random.oneIn(3))
        }
        let called = callUp(line, ledger: ledger).keys
        for claim in line {
            let isCalled = called.contains(claim.key)
            switch admit(claim, waiting: line, ledger: ledger) {
            case .granted: #expect(isCalled, "\(claim)")
            case .wait, .refused: #expect(!isCalled, "\(claim)")
            default: break
            }
        }
        // Some have to leave: the first for whom they do so is among those who are called up.
        let leaves = line.contains {
            if case .evict = admit($0, waiting: line, ledger: ledger) { true } else { false }
        }
        if leaves { #expect(!called.isEmpty) }
    }

    private static func randomLedger(_ random: inout SeededGenerator) -> Ledger {
        let holders = (0..<Int.random(in: 0...8, using: &random)).map { number in
            let since = Situation.now + Seconds(-Int64.random(in: 0...9, using: &random))
            let isStarting = random.oneIn(2)
            let tenures = [Tenure.fixed, .idle(since: since), .busy(since: since), .leaving]
            return Holder(
                instance: InstanceID("h\(number)"), key: key("h\(number)"),
                memory: Int64.random(in: 0...6, using: &random),
                startingFor: isStarting ? Seconds(Int64.random(in: 0...40, using: &random)) : nil,
                tenure: isStarting ? .fixed : tenures.randomElement(using: &random) ?? .fixed)
        }
        let limits = HostLimits(
            startSlots: Int.random(in: 1...4, using: &random),
            maxLoaded: random.oneIn(2) ? nil : Int.random(in: 1...8, using: &random),
            memory: random.oneIn(2) ? nil : Int64.random(in: 5...25, using: &random))
        return Ledger(limits: limits, holders: holders, ports: [:])
    }

    /// A later one in line never finds more free slots than one before it.
    @Test(arguments: 0..<200)
    func nobodyIsOvertakenForASlot(seed: Int) {
        var random = SeededGenerator(seed: seed)
        var ledger = Self.randomLedger(&random)
        ledger.limits.maxLoaded = nil
        ledger.limits.memory = nil
        let line = (0..<8).map { number in
            Self.claim(
                "m\(number)", [.caller, .eager, .rest].randomElement(using: &random) ?? .rest,
                since: Int64.random(in: 0...3, using: &random))
        }.sorted { $0.goes(before: $1) }
        let granted = line.map { admit($0, waiting: line, ledger: ledger) == .granted }
        #expect(granted == granted.sorted { $0 && !$1 })
    }
}
