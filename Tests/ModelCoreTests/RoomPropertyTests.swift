import ModelCore
import Testing

/// Random hosts that are too small, random callers: nothing is taken that is not there, nothing busy is ended, no two
/// models drive each other out for ever, and everybody is answered in time.
struct RoomPropertyTests {
    /// Ticks of a life: two minutes of the host.
    private static let ticks = 2400
    private static let loadTimeout: Seconds = 60

    @Test(arguments: 0..<40)
    func everyCallerIsAnsweredWithinItsDeadline(seed: Int) {
        var random = SeededGenerator(seed: seed)
        var world = Self.world(&random)
        for _ in 0..<Self.ticks { world.pass(&random, hasCallers: true) }
        // Nobody new comes: those who are there are served.
        var left = Self.ticks
        while !world.isQuiet, left > 0 {
            world.pass(&random, hasCallers: false)
            left -= 1
        }
        #expect(world.violations.isEmpty, "seed \(seed): \(world.violations.prefix(5))")
        #expect(world.isQuiet, "seed \(seed): someone is never answered")
        #expect(world.longestWait < Self.loadTimeout, "seed \(seed): waited \(world.longestWait)")
        #expect(world.answered > 0)
    }

    /// Some servers never become ready, others take a moment; there are few slots for all of them.
    @Test(arguments: 0..<6)
    func slowModelsDelayNoOther(seed: Int) {
        var random = SeededGenerator(seed: seed)
        let slots = Int.random(in: 1...3, using: &random)
        func tenant(_ name: String, _ load: LoadPolicy, _ loadTime: Seconds) -> HostWorld.Tenant {
            let key = ModelKey(domain: "d", source: "s", model: name)
            return HostWorld.Tenant(
                model: Situation.model(Situation.spec(load: load), key: key), loadTime: loadTime, answerTime: 1,
                rarity: 50)
        }
        let slow = (0..<Int.random(in: 1...4, using: &random)).map { tenant("slow\($0)", .onDemand, 100_000) }
        let slowEager = (0..<3).map { tenant("eager\($0)", .eager, 100_000) }
        let quick = (0..<5).map { tenant("quick\($0)", .onDemand, 1) }
        var world = HostWorld(limits: HostLimits(startSlots: slots), slow + slowEager + quick)
        for _ in 0..<2 * Self.ticks { world.pass(&random, hasCallers: true) }
        #expect(world.violations.isEmpty, "seed \(seed): \(world.violations.prefix(5))")
        // At worst, all of the others that somebody calls for go first, and each pace of slow ones takes its full time.
        let paces = Int64((slow.count + quick.count + slots - 1) / slots)
        let bound = Seconds(5 * (paces + 1) + 2)
        for tenant in quick {
            let wait = world.longestWaits[tenant.model.key] ?? .zero
            #expect(wait < bound, "seed \(seed): \(tenant.model.key) waited \(wait), at most \(bound)")
            #expect(world.tenants[tenant.model.key]?.answers ?? 0 > 0)
        }
        // Eager ones are launched, too, though callers never cease.
        let launched = slowEager.count { world.tenants[$0.model.key]?.instance != nil }
        #expect(launched == slowEager.count)
    }

    /// A host with room for the eager and pinned models and for any one of the others.
    private static func world(_ random: inout SeededGenerator) -> HostWorld {
        var tenants: [HostWorld.Tenant] = []
        var fixed: (count: Int, memory: Int64) = (0, 0)
        var largest: Int64 = 0
        for number in 0..<Int.random(in: 2...5, using: &random) {
            let tenant = tenant(number, &random)
            let memory = tenant.model.expectedMemory
            if tenant.model.mayMakeRoom {
                largest = max(largest, memory)
            } else {
                fixed = (fixed.count + 1, fixed.memory + memory)
            }
            tenants.append(tenant)
        }
        let places = fixed.count + Int.random(in: 1...2, using: &random)
        let budget = fixed.memory + largest + Int64.random(in: 0...6, using: &random)
        let limits = HostLimits(
            startSlots: Int.random(in: 1...3, using: &random), maxLoaded: random.oneIn(3) ? nil : places,
            memory: random.oneIn(3) ? nil : budget)
        return HostWorld(limits: limits, tenants)
    }

    private static func tenant(_ number: Int, _ random: inout SeededGenerator) -> HostWorld.Tenant {
        let key = ModelKey(domain: "d", source: "s", model: "m\(number)")
        var spec = Situation.spec(load: random.oneIn(8) ? .eager : .onDemand)
        spec.pinned = random.oneIn(8)
        spec.loadTimeout = loadTimeout
        spec.memory = Int64.random(in: 0...9, using: &random)
        if random.oneIn(3) { spec.idleTimeout = .after(Seconds(Int64.random(in: 1...20, using: &random))) }
        let milliseconds = { (range: ClosedRange<Int64>, random: inout SeededGenerator) in
            Seconds(milliseconds: Int64.random(in: range, using: &random))
        }
        return HostWorld.Tenant(
            model: Situation.model(spec, key: key), loadTime: milliseconds(100...3000, &random),
            answerTime: milliseconds(10...1500, &random),
            // From always in use to once in five seconds.
            rarity: [1, 2, 10, 100].randomElement(using: &random) ?? 1)
    }
}
