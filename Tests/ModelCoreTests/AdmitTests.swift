import ModelCore
import Testing

/// Ledger and line → admission.
struct AdmitTests {
    private static let other = ModelKey(domain: "d", source: "s", model: "other")
    private static let start = Situation.now

    private static func key(_ name: String) -> ModelKey { ModelKey(domain: "d", source: "s", model: name) }

    private static func holder(
        _ name: String, memory: Int64 = 0, startingFor: Seconds? = nil, _ tenure: Tenure = .fixed
    ) -> Holder {
        Holder(instance: InstanceID(name), key: key(name), memory: memory, startingFor: startingFor, tenure: tenure)
    }

    private static func idle(_ name: String, since: Int64, memory: Int64 = 0) -> Holder {
        holder(name, memory: memory, .idle(since: start + Seconds(since)))
    }

    private static func busy(_ name: String, since: Int64, memory: Int64 = 0) -> Holder {
        holder(name, memory: memory, .busy(since: start + Seconds(since)))
    }

    private static func claim(
        _ name: String = "new", _ priority: Claim.Priority = .caller, memory: Int64 = 0, since: Int64 = 0,
        mayDisturb: Bool = false
    ) -> Claim {
        Claim(
            key: key(name), port: 20000, memory: memory, priority: priority, since: start + Seconds(since),
            mayDisturb: mayDisturb)
    }

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
    func slotsAndPorts(starting: Int, ports: [Int: ModelKey], expected: Admission) {
        let holders = (0..<starting).map { Self.holder("\($0)", startingFor: 0) }
        let ledger = Ledger(limits: HostLimits(), holders: holders, ports: ports)
        #expect(admit(Claim(key: Situation.key, port: 20000), ledger: ledger) == expected)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let limits: HostLimits
        let holders: [Holder]
        let waiting: [Claim]
        let claim: Claim
        let expected: Expected

        init(
            _ name: String, _ limits: HostLimits, _ holders: [Holder], waiting: [Claim] = [],
            _ claim: Claim = AdmitTests.claim(), expect expected: Expected
        ) {
            testDescription = name
            self.limits = limits
            self.holders = holders
            self.waiting = waiting
            self.claim = claim
            self.expected = expected
        }
    }

    enum Expected: Equatable, Sendable {
        case granted, waits, yields, refused
        case evicts([String])

        init(_ admission: Admission) {
            self =
                switch admission {
                case .granted: .granted
                case .wait: .waits
                case .yieldFirst: .yields
                case .refused: .refused
                case .evict(let ids, _): .evicts(ids.map(\.text))
                }
        }
    }

    @Test(arguments: places + memory + turns)
    func room(_ row: Row) {
        let ledger = Ledger(limits: row.limits, holders: row.holders, ports: [:])
        #expect(Expected(admit(row.claim, waiting: row.waiting, ledger: ledger)) == row.expected)
    }

    private static let two = HostLimits(maxLoaded: 2)
    private static let ten = HostLimits(memory: 10)

    private static let places = [
        Row("a free place", two, [holder("a")], expect: .granted),
        Row("no place, and nobody may leave", two, [holder("a"), holder("b")], expect: .waits),
        Row("the least recently used leaves", two, [idle("a", since: 5), idle("b", since: 3)], expect: .evicts(["b"])),
        Row("a busy one never leaves", two, [holder("a"), busy("b", since: 3)], expect: .waits),
        Row(
            "who has waited long asks the busy one that serves longest", two,
            [busy("a", since: 5), busy("b", since: 3)], claim(mayDisturb: true), expect: .evicts(["b"])),
        Row(
            "an idle one goes before a busy one", two, [idle("a", since: 5), busy("b", since: 3)],
            claim(mayDisturb: true), expect: .evicts(["a"])),
        Row(
            "one that is leaving makes room without another's leaving", two,
            [holder("a", .leaving), idle("b", since: 3)], expect: .waits),
        Row("two instances of one model are one", two, [holder("a"), holder("a")], expect: .granted),
        Row(
            "more are loaded than may be: as many leave as have to", HostLimits(maxLoaded: 1),
            [idle("a", since: 1), idle("b", since: 2), idle("c", since: 3)], expect: .evicts(["a", "b", "c"])),
        Row(
            "nobody leaves for who has no start slot", HostLimits(startSlots: 1, maxLoaded: 2),
            [holder("a", startingFor: 0), idle("b", since: 1)], expect: .waits),
    ]

    private static let memory = [
        Row("exactly enough", ten, [holder("a", memory: 6)], claim(memory: 4), expect: .granted),
        Row("a byte too much", ten, [holder("a", memory: 6)], claim(memory: 5), expect: .waits),
        Row("more than all there is", ten, [], claim(memory: 11), expect: .refused),
        Row("what takes all there is may start", ten, [], claim(memory: 10), expect: .granted),
        Row("of unknown size, beside room", ten, [holder("a", memory: 9)], expect: .granted),
        Row("of unknown size, beyond the budget", ten, [idle("a", since: 1, memory: 11)], expect: .evicts(["a"])),
        Row(
            "as many leave as needed, the least recently used first", ten,
            [idle("a", since: 3, memory: 4), idle("b", since: 2, memory: 3), idle("c", since: 1, memory: 3)],
            claim(memory: 5), expect: .evicts(["c", "b"])),
        Row(
            "none leaves in vain", ten, [idle("a", since: 1, memory: 1), idle("b", since: 2, memory: 9)],
            claim(memory: 8), expect: .evicts(["b"])),
        Row(
            "none leaves where that would not do", ten, [idle("a", since: 1, memory: 3), holder("b", memory: 7)],
            claim(memory: 5), expect: .waits),
    ]

    private static let turns = [
        Row(
            "who came first goes first", two, [holder("a")], waiting: [claim("first", since: 1)], claim(since: 2),
            expect: .waits),
        Row(
            "who came later does not", two, [holder("a")], waiting: [claim("later", since: 3)], claim(since: 2),
            expect: .granted),
        Row(
            "a caller goes before an eager model, and that before the rest", two, [holder("a")],
            waiting: [claim("eager", .eager, since: 1), claim("rest", .rest, since: 0)], claim(since: 2),
            expect: .granted),
        Row(
            "an eager one waits for a caller", two, [holder("a")], waiting: [claim("caller", since: 9)],
            claim("new", .eager, since: 2), expect: .waits),
        Row(
            "there is room for both", HostLimits(maxLoaded: 3), [holder("a")], waiting: [claim("first", since: 1)],
            claim(since: 2), expect: .granted),
        Row(
            "one that cannot be served holds nobody up", ten, [holder("a", memory: 6)],
            waiting: [claim("large", memory: 5, since: 1)], claim(memory: 4, since: 2), expect: .granted),
        Row(
            "one that is about to be served is not overtaken", ten,
            [holder("a", memory: 5), holder("b", memory: 3, .leaving)],
            waiting: [claim("large", memory: 5, since: 1)], claim(memory: 2, since: 2), expect: .waits),
        Row(
            "those before it get their room, too", two, [idle("a", since: 1), idle("b", since: 2)],
            waiting: [claim("first", since: 1)], claim(since: 2), expect: .evicts(["a", "b"])),
        Row(
            "the first in line is not hindered by its own place in it", two, [holder("a")],
            waiting: [claim(since: 1)], claim(since: 1), expect: .granted),
        Row(
            "one start slot is for the first", HostLimits(startSlots: 1), [holder("a")],
            waiting: [claim("first", since: 1)], claim(since: 2), expect: .waits),
    ]

    @Test func reliefIsNoMoreThanNeededAndNeverOfTheBusy() {
        let holders = [
            Self.busy("busy", since: 0, memory: 8), Self.idle("late", since: 2, memory: 2),
            Self.idle("early", since: 1, memory: 2), Self.holder("gone", memory: 9, .leaving),
        ]
        func relieved(_ budget: Int64) -> [String] {
            relief(Ledger(limits: HostLimits(memory: budget), holders: holders, ports: [:])).map(\.text)
        }
        #expect(relieved(12) == [])
        #expect(relieved(11) == ["early"])
        #expect(relieved(9) == ["early", "late"])
        #expect(relieved(1) == ["early", "late"])
    }

    @Test func onlyOnDemandModelsThatAreNotPinnedMakeRoom() {
        let tenures = [(LoadPolicy.onDemand, false), (.onDemand, true), (.eager, false)].map { load, isPinned in
            var model = Situation.model(Situation.spec(load: load))
            model.spec.pinned = isPinned
            let use = InstanceUse(tenure: .idle(since: Self.start))
            let ledger = Ledger(
                limits: HostLimits(), ports: [:], instances: [Situation.instance(.ready)],
                models: [Situation.key: model], uses: [.i: use], now: Situation.now)
            return ledger.holders[0].tenure
        }
        #expect(tenures == [.idle(since: Self.start), .fixed, .fixed])
    }

    @Test(
        arguments: [
            (Phase.ready, nil, nil, nil, 0),
            (.ready, nil, nil, 7, 7),
            (.ready, 5, nil, 3, 5),
            (.ready, 5, nil, 7, 7),
            // Measured now counts, not what was measured before.
            (.ready, nil, 9, 7, 7),
            (.ready, nil, 9, nil, 9),
            // What is loading will take what it took before.
            (.starting, nil, 9, 1, 9),
            (.starting, 5, nil, 1, 5),
            (.starting, 5, nil, 7, 7),
        ] as [(Phase, Int64?, Int64?, Int64?, Int64)])
    func memoryIsWhatIsMeasuredOrDeclared(
        phase: Phase, declared: Int64?, last: Int64?, measured: Int64?, expected: Int64
    ) {
        var model = Situation.model()
        model.spec.memory = declared
        model.memory = last
        let ledger = Ledger(
            limits: HostLimits(), ports: [:], instances: [Situation.instance(phase)], models: [Situation.key: model],
            uses: [.i: InstanceUse(memory: measured)], now: Situation.now)
        #expect(ledger.memory == expected)
    }

    @Test func whoIsCalledGoesFirstUntilItsCallersMustHaveBeenAnswered() {
        var model = Situation.model()
        model.spec.loadTimeout = 4
        func claim(after wait: Seconds) -> Claim {
            Claim(of: model, calledSince: Self.start, waitingSince: Self.start + 1, now: Self.start + wait)
        }
        #expect(claim(after: 0).priority == .caller)
        #expect(!claim(after: Seconds(milliseconds: 999)).mayDisturb)
        #expect(claim(after: 1).mayDisturb)
        #expect(claim(after: 3).since == Self.start)
        #expect(claim(after: 4).priority == .rest)
        #expect(claim(after: 4).since == Self.start + 1)
        #expect(!claim(after: 4).mayDisturb)
    }

    @Test(
        arguments: [
            (0, "0B"), (1023, "1023B"), (1024, "1KiB"), (1536, "1.5KiB"), (1_048_575, "1MiB"), (3 << 30, "3GiB"),
        ] as [(Int64, String)])
    func sizesAreReadable(bytes: Int64, text: String) {
        #expect(ByteCount(bytes).description == text)
    }

    @Test func usualLoadTimeFollowsTheLoads() {
        var times: LoadTimes?
        for load in [8, 8, 16, 0] as [Seconds] { times = LoadTimes.after(load, previous: times) }
        #expect(times == LoadTimes(count: 4, last: 0, usual: Seconds(milliseconds: 7500)))
    }

    @Test(arguments: 0..<50)
    func grantsNeverExceedWhatThereIs(seed: Int) {
        var random = SeededGenerator(seed: seed)
        let limits = HostLimits(
            startSlots: Int.random(in: 1...4, using: &random), maxLoaded: Int.random(in: 1...6, using: &random),
            memory: Int64.random(in: 5...20, using: &random))
        var holders: [Holder] = []
        for number in 0..<200 {
            if random.oneIn(3), let index = holders.indices.randomElement(using: &random) {
                if holders[index].startingFor == nil {
                    holders.remove(at: index)
                } else {
                    holders[index].startingFor = nil
                }
            }
            let claim = Self.claim("\(number)", memory: Int64.random(in: 0...6, using: &random))
            let ledger = Ledger(limits: limits, holders: holders, ports: [:])
            let isFree =
                holders.count < limits.maxLoaded ?? 0 && holders.count { $0.startingFor != nil } < limits.startSlots
                && ledger.memory + claim.memory <= limits.memory ?? 0
            #expect((admit(claim, ledger: ledger) == .granted) == isFree)
            if isFree { holders.append(Self.holder("\(number)", memory: claim.memory, startingFor: 0)) }
        }
    }
}
