import ModelCore
import Testing

/// Who waits for whose port.
struct PortCycleTests {
    private static func key(_ name: String) -> ModelKey { ModelKey(domain: "d", source: name, model: "m") }
    private static let (x, y, z) = (key("x"), key("y"), key("z"))

    @Test func twoThatExchangeTheirPortsAreOne() {
        let serving = [1: Self.x, 2: Self.y]
        #expect(portCycle(of: Self.x, waiting: [Self.x: 2, Self.y: 1], serving: serving) == [Self.x, Self.y])
        #expect(portCycle(of: Self.y, waiting: [Self.x: 2, Self.y: 1], serving: serving) == [Self.y, Self.x])
    }

    @Test func soAreThree() {
        let serving = [1: Self.x, 2: Self.y, 3: Self.z]
        let waiting = [Self.x: 2, Self.y: 3, Self.z: 1]
        #expect(portCycle(of: Self.z, waiting: waiting, serving: serving) == [Self.z, Self.x, Self.y])
    }

    @Test func whoeverWaitsForOneThatGoesOnIsInNone() {
        let serving = [1: Self.x, 2: Self.y]
        #expect(portCycle(of: Self.x, waiting: [Self.x: 2], serving: serving) == nil)
        #expect(portCycle(of: Self.x, waiting: [Self.x: 2, Self.y: 7], serving: serving) == nil)
        #expect(portCycle(of: Self.x, waiting: [:], serving: serving) == nil)
    }

    @Test func whoeverWaitsForACircleIsInNone() {
        let serving = [1: Self.x, 2: Self.y]
        let waiting = [Self.x: 2, Self.y: 1, Self.z: 1]
        #expect(portCycle(of: Self.z, waiting: waiting, serving: serving) == nil)
    }

    @Test func whatEndsByItselfMakesNone() {
        // Its own port is about to be free.
        #expect(portCycle(of: Self.x, waiting: [Self.x: 1], serving: [1: Self.x]) == nil)
        #expect(portCycle(of: Self.x, waiting: [Self.x: 2, Self.y: 1], serving: [2: Self.y]) == nil)
    }
}
