import ModelCore
import Testing

/// Random lives of one model: whatever happens, `decide` keeps the rules, and leads to what is wanted.
struct DecidePropertyTests {
    private static let mostSteps = Life.mostSteps
    private static let eventsInALife = 150

    @Test(arguments: 0..<150)
    func whateverHappensTheRulesAreKept(seed: Int) {
        var life = Life(seed: seed)
        for _ in 0..<Self.eventsInALife {
            life.happen()
            life.settle(within: Self.mostSteps)
            guard life.world.violations.isEmpty else { break }
        }
        #expect(life.world.violations.isEmpty, "seed \(seed): \(life.world.report)")
    }

    @Test(arguments: 0..<150)
    func onceTheWorldIsKindWhatIsWantedComesAbout(seed: Int) {
        var life = Life(seed: seed)
        for _ in 0..<Int.random(in: 1...Self.eventsInALife, using: &life.random) {
            life.happen()
            // Often nobody looks in between: events pile up, and only their sum is seen.
            if life.random.oneIn(3) { life.settle(within: Self.mostSteps) }
        }
        life.becomeKind()
        #expect(life.world.violations.isEmpty, "seed \(seed): \(life.world.report)")
        #expect(life.isAsWanted, "seed \(seed): \(life.world.report)")
    }

    @Test(arguments: 0..<50)
    func aShutdownEndsEverythingAndStartsNothing(seed: Int) {
        var life = Life(seed: seed)
        for _ in 0..<Int.random(in: 1...Self.eventsInALife, using: &life.random) {
            life.happen()
            if life.random.oneIn(3) { life.settle(within: Self.mostSteps) }
        }
        life.world.isShuttingDown = true
        life.becomeKind()
        #expect(life.world.violations.isEmpty, "seed \(seed): \(life.world.report)")
        #expect(life.world.instances.isEmpty, "seed \(seed): \(life.world.report)")
    }
}

/// A world, and the chance that rules it.
private struct Life {
    /// More steps in a row than any situation needs: unroute, drain and stop for each of two, start, switch, forget, and
    /// failures and some to spare.
    static let mostSteps = 20

    var world: ModelWorld
    var random: SeededGenerator
    private var spec: ModelSpec
    /// Whether launches and stops succeed from now on.
    private var isKind = false

    init(seed: Int) {
        random = SeededGenerator(seed: seed)
        spec = Situation.spec(load: random.oneIn(2) ? .eager : .onDemand)
        spec.startTimeout = 30
        world = ModelWorld(spec)
    }

    private mutating func chance() -> Double { Double.random(in: 0..<1, using: &random) }

    // MARK: - Events

    /// One thing that nobody decided.
    mutating func happen() {
        switch Int.random(in: 0..<24, using: &random) {
        case 0: edit()
        case 1: world.accept(random.oneIn(3) ? nil : spec)
        case 2, 3: world.request()
        case 4: operate()
        case 5, 6: befall()
        case 7...11: changeReadiness()
        case 12: world.isFull = random.oneIn(3)
        case 13: world.use(random.oneIn(2))
        case 14: world.evict()
        case 15, 16: world.finishAttending(jitter: chance())
        case 17: if random.oneIn(3) { world.isNarrow.toggle() }
        case 18: if random.oneIn(3) { world.crash() }
        default: pass()
        }
    }

    /// Time passes: a little, or up to and across the limits that matter.
    private mutating func pass() {
        let spans: [Int64] = [1, 900, 5000, 29_999, 30_000, 61_000]
        world.advance(by: Seconds(milliseconds: spans.randomElement(using: &random) ?? 1))
    }

    private mutating func edit() {
        switch Int.random(in: 0..<7, using: &random) {
        case 0, 1:
            let command = "serve \(Int.random(in: 0...2, using: &random))"
            spec.source = Situation.artifact(command: command, port: random.oneIn(3) ? 20000 : nil)
        case 6: spec.update = random.oneIn(2) ? .resource : nil
        case 2: spec.timeout = Seconds(milliseconds: Int64.random(in: 1...3, using: &random))
        case 3: spec.load = spec.load == .eager ? .onDemand : .eager
        case 5: spec.idleTimeout = random.oneIn(3) ? nil : .after(Seconds(Int64.random(in: 1...60, using: &random)))
        case 4: spec.source = spec.source == nil ? Situation.artifact() : nil
        default: break
        }
        world.accept(spec)
    }

    private mutating func operate() {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: world.load()
        case 1: world.unload(hold: random.oneIn(2))
        case 2: world.restart()
        default: world.unload(hold: false)
        }
    }

    /// Something befalls one of the instances.
    private mutating func befall() {
        guard let index = world.instances.indices.randomElement(using: &random) else { return }
        switch Int.random(in: 0..<5, using: &random) {
        case 0, 1: world.end(at: index, jitter: chance())
        case 2: world.lose(at: index)
        default: world.prove(at: index)
        }
    }

    private mutating func changeReadiness() {
        guard let index = world.instances.indices.randomElement(using: &random) else { return }
        let instance = world.instances[index]
        guard instance.unknownReason == nil, instance.phase.isCurrent else { return }
        if instance.phase != .ready {
            world.enter(.ready, at: index)
        } else if random.oneIn(4) {
            world.enter(.unready, at: index)
        }
    }

    // MARK: - Decisions

    /// Decides and performs until there is nothing to do at this moment.
    /// - Returns: what is waited for, or the step that went wrong; `nil` where all is settled, or the model is gone.
    @discardableResult
    mutating func settle(within limit: Int) -> Decision? {
        for _ in 0..<limit {
            guard let observed = world.observation else { return nil }
            let decision = decide(observed, now: world.now)
            if decide(observed, now: world.now) != decision { world.violate("decided otherwise the second time") }
            switch decision {
            case .settled:
                world.checkRest(isSettled: true)
                return nil
            case .wait(let until, let reason):
                world.checkRest(isSettled: false)
                if let until, until <= world.now { world.violate("waits for what has passed") }
                if reason.isEmpty { world.violate("waits without a reason") }
                return decision
            case .operate(let step, let cause):
                let goesWrong = !isKind && random.oneIn(5)
                guard world.perform(step, cause: cause, jitter: chance(), goesWrong: goesWrong) else {
                    return decision
                }
            }
        }
        world.violate("did not settle within \(limit) steps")
        return nil
    }

    /// Nothing more goes wrong: what is unknown is proved, what loads becomes ready, and what is waited for comes.
    mutating func becomeKind() {
        isKind = true
        world.isFull = false
        world.isNarrow = false
        world.use(true)
        // Unknown, leaving, loading, ready, backoff: each is waited for once, and twice where an old load fails.
        for _ in 0..<15 {
            for index in world.instances.indices { world.prove(at: index) }
            settle(within: Self.mostSteps)
            for _ in world.instances { world.finishAttending(jitter: chance()) }
            let waited = settle(within: Self.mostSteps)
            guard world.observation != nil, world.violations.isEmpty else { return }
            let recovering = world.instances.indices.filter {
                [.intent, .gated, .starting, .unready].contains(world.instances[$0].phase)
            }
            for index in recovering { world.enter(.ready, at: index) }
            if case .wait(let until?, _) = waited, recovering.isEmpty { world.advance(to: until) }
            if recovering.isEmpty, waited.isRest(busy: world.isBusy) { return }
        }
        world.violate("a kind world did not come to rest")
    }

    /// Whether what runs is what is wanted.
    var isAsWanted: Bool {
        guard let model = world.model else { return world.instances.isEmpty }
        guard !model.isRemoved else { return false }
        guard model.isDemanded else { return world.instances.isEmpty }
        guard world.instances.count == 1, let instance = world.instances.first else { return false }
        guard instance.phase == .ready, instance.isRouted else { return false }
        if model.isFulfilled(by: instance) { return instance.source == model.spec.source?.runFields }
        // What would have to end for another try serves on in its place.
        let mustEnd = model.spec.effective.update == .resource || model.spec.source?.fixedPort == instance.port
        return mustEnd && instance.insteadOf == model.generation && model.backoff?.isRejection == true
    }
}

extension Decision? {
    /// Whether nothing comes of waiting: all is settled, or as it stays until somebody changes something.
    fileprivate func isRest(busy: Bool) -> Bool {
        guard case .wait(let until, _) = self else { return self == nil }
        return until == nil || (busy && self == .wait(until: until, reason: "it is in use"))
    }
}
