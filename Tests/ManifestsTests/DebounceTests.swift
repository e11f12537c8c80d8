import Testing

@testable import Manifests

@Suite("Debounce")
struct DebounceTests {
    private let start = ContinuousClock.now

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

    private func take(_ now: ContinuousClock.Instant, from debounce: inout Debounce) -> Bool { debounce.take(at: now) }

    @Test("nothing is due before anything has changed")
    func nothingIsDueAtFirst() {
        var debounce = Debounce()
        #expect(debounce.due == nil)
        #expect(take(at(0), from: &debounce) == false)
    }

    @Test("a burst is told once, when it is over")
    func burstIsToldOnce() {
        var debounce = Debounce()
        for change in 0..<10 {
            debounce.note(at: at(change * 50))
            #expect(take(at(change * 50 + 49), from: &debounce) == false)
        }
        #expect(debounce.due == at(550))
        #expect(take(at(549), from: &debounce) == false)
        #expect(take(at(550), from: &debounce) == true)
        #expect(debounce.due == nil)
    }

    @Test("somebody who writes all the time does not keep others waiting for ever")
    func constantWritingIsToldInTime() {
        var debounce = Debounce()
        var told: [Int] = []
        for change in stride(from: 0, through: 6000, by: 20) {
            debounce.note(at: at(change))
            if debounce.take(at: at(change)) { told.append(change) }
        }
        #expect(told == [2000, 4020])
    }
}
