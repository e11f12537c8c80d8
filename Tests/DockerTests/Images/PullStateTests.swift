import Docker
import ModelCore
import Reconciler
import Testing

private let first = ModelKey(domain: "test", source: "first", model: "default")
private let second = ModelKey(domain: "test", source: "second", model: "default")
private let reference = ImageReference(registry: "registry.test", repository: "team/model", tag: "1")
private let start = ContinuousClock.now
private let failure = LoadFailure(.retryable, "the registry is away", at: Timestamp(milliseconds: 1))

private func progress(finished: Int = 0, layers: Int = 3, bytes: Int64 = 0) -> PullProgress {
    PullProgress(image: "team/model:1", finishedLayers: finished, layers: layers, fetchedBytes: bytes, totalBytes: 900)
}

/// Every state that an image can be in.
private enum Situation: CaseIterable {
    /// Nothing is going on; the manifest tells the whole name.
    case idle
    /// Nothing is going on, and only ECR knows the registry.
    case unlocated
    /// ``first`` waits until the registry is known.
    case locating
    /// ``first`` waits for a pull.
    case pulling
    /// A pull has come to its end, and ``first`` has not been told.
    case ended
    /// A pull has failed, and ``first`` has not been told.
    case failed

    static let image = WantedImage(
        place: .named(reference), label: "team/model:1", login: .docker(registry: "registry.test", given: nil))
    static let imageInECR = WantedImage(
        place: .inECR(ECRSpec(repository: "team/model", container: ContainerSpec(containerPort: 0))),
        label: "team/model:1", login: .ecr(registry: nil, region: nil))

    var state: PullState {
        var state = PullState(self == .unlocated || self == .locating ? Self.imageInECR : Self.image)
        switch self {
        case .idle, .unlocated:
            break
        case .locating:
            _ = state.handle(.asked(first, .missing), at: start)
        case .pulling, .ended, .failed:
            _ = state.handle(.asked(first, .always), at: start)
            if self == .ended { _ = state.handle(.ended(.ready(image: "fixed")), at: start) }
            if self == .failed { _ = state.handle(.ended(.failed(failure)), at: start) }
        }
        return state
    }
}

@Suite struct PullStateTests {
    typealias Action = PullState.Action

    private static let waiting = Action.answer(.underway(PullProgress(image: "team/model:1")))
    private static let allEvents: [PullState.Event] =
        PullPolicy.allCases.flatMap { [.asked(first, $0), .asked(second, $0)] }
        + [
            .foundAbsent(second, endings: 0), .located(reference), .progressed(progress()),
            .ended(.ready(image: "fixed")), .ended(.failed(failure)), .left(first),
        ]

    /// What each event leads to in each state: the whole machine.
    private static func expected(_ situation: Situation, _ event: PullState.Event) -> Action {
        let look = Action.look(reference, endings: situation == .ended || situation == .failed ? 1 : 0)
        switch (situation, event) {
        case (.ended, .asked(first, _)): return .answer(.ready(image: "fixed"))
        case (.failed, .asked(first, _)): return .answer(.failed(failure))
        case (.idle, .asked(_, .always)), (.ended, .asked(_, .always)), (.failed, .asked(_, .always)):
            return .pull(reference)
        case (.idle, .asked), (.ended, .asked), (.failed, .asked): return look
        case (.unlocated, .asked), (.unlocated, .foundAbsent): return .locate
        case (.locating, .asked), (.locating, .foundAbsent): return waiting
        case (.pulling, .asked(first, _)), (.pulling, .asked(_, .always)), (.pulling, .foundAbsent): return waiting
        case (.pulling, .asked): return look

        case (.idle, .foundAbsent): return .pull(reference)
        // The look may have been before the pull had ended.
        case (.ended, .foundAbsent), (.failed, .foundAbsent): return look

        case (.locating, .located), (.locating, .ended), (.pulling, .ended), (.pulling, .progressed):
            return .wake([first])
        case (_, .located), (_, .progressed), (_, .ended), (_, .left): return .nothing
        }
    }

    @Test(arguments: Situation.allCases) private func everyEventInEveryState(_ situation: Situation) {
        for event in Self.allEvents {
            var state = situation.state
            #expect(state.handle(event, at: start) == Self.expected(situation, event), "\(situation): \(event)")
        }
    }

    @Test func everyoneWhoWaitsIsToldOnceAndThenTriesAnew() {
        var state = Situation.pulling.state
        #expect(state.handle(.asked(second, .always), at: start) == Self.waiting)
        #expect(state.handle(.ended(.ready(image: "fixed")), at: start) == .wake([first, second]))
        for key in [second, first] {
            #expect(state.handle(.asked(key, .always), at: start) == .answer(.ready(image: "fixed")))
        }
        #expect(state.handle(.asked(first, .always), at: start) == .pull(reference))
        #expect(state.handle(.asked(second, .always), at: start) == Self.waiting)
    }

    @Test func aFailureIsToldToEachAlthoughAnotherHasBegunTheNextPull() {
        var state = Situation.pulling.state
        _ = state.handle(.asked(second, .always), at: start)
        _ = state.handle(.ended(.failed(failure)), at: start)
        #expect(state.handle(.asked(first, .missing), at: start) == .answer(.failed(failure)))
        #expect(state.handle(.asked(first, .missing), at: start) == .look(reference, endings: 1))
        #expect(state.handle(.foundAbsent(first, endings: 1), at: start) == .pull(reference))
        #expect(state.handle(.asked(second, .always), at: start) == .answer(.failed(failure)))
        #expect(state.handle(.asked(second, .always), at: start) == Self.waiting)
        #expect(state.handle(.ended(.ready(image: "fixed")), at: start) == .wake([first, second]))
    }

    @Test func whatCameOfAPullIsNoAnswerToAMuchLaterQuestion() {
        var state = Situation.failed.state
        let later = start + PullState.longestUntold
        #expect(state.handle(.asked(first, .missing), at: later) == .look(reference, endings: 1))
        #expect(state.isSpent)
    }

    @Test func whoWantsAnotherImageIsNeitherWokenNorTold() {
        var waiting = Situation.pulling.state
        _ = waiting.handle(.left(first), at: start)
        #expect(waiting.handle(.progressed(progress()), at: start) == .wake([]))
        #expect(waiting.handle(.ended(.ready(image: "fixed")), at: start) == .wake([]))

        var told = Situation.failed.state
        _ = told.handle(.left(first), at: start)
        #expect(told.isSpent)
        #expect(told.handle(.asked(first, .missing), at: start) == .look(reference, endings: 1))
    }

    /// As after an unload in the midst of a pull: when the model is wanted again, the disk knows better.
    @Test(arguments: [PullState.Outcome.ready(image: "fixed"), .failed(failure)])
    func whoHasLeftAndComesBackIsToldNothingOfTheOldPull(_ outcome: PullState.Outcome) {
        for leavesFirst in [true, false] {
            var state = Situation.pulling.state
            _ = state.handle(.asked(second, .always), at: start)
            if leavesFirst { #expect(state.handle(.left(first), at: start) == .nothing) }
            #expect(state.handle(.ended(outcome), at: start) == .wake(leavesFirst ? [second] : [first, second]))
            if !leavesFirst { #expect(state.handle(.left(first), at: start) == .nothing) }
            var other = state
            #expect(state.handle(.asked(first, .missing), at: start) == .look(reference, endings: 1))
            #expect(other.handle(.asked(first, .always), at: start) == .pull(reference))
            // Who has stayed is told.
            guard case .answer = state.handle(.asked(second, .always), at: start) else {
                Issue.record("was not told of \(outcome)")
                continue
            }
        }
    }

    @Test func progressWakesAtMostOnceASecondAndWithEachLayerThatIsDone() {
        var state = Situation.pulling.state
        let pause = PullState.pauseOfWakes
        let steps: [(PullProgress, Duration, wakes: Bool)] = [
            (progress(), .zero, true),
            (progress(bytes: 100), .milliseconds(10), false),
            (progress(bytes: 100), pause * 2, false),
            (progress(bytes: 200), pause * 2, true),
            (progress(bytes: 300), pause * 3 - .milliseconds(1), false),
            (progress(finished: 1, bytes: 300), pause * 3 - .milliseconds(1), true),
            (progress(finished: 1, bytes: 400), pause * 4 - .milliseconds(2), false),
            (progress(finished: 1, bytes: 500), pause * 4, true),
        ]
        for (progress, time, wakes) in steps {
            let action = state.handle(.progressed(progress), at: start + time)
            #expect(action == (wakes ? .wake([first]) : .nothing), "\(progress) after \(time)")
            #expect(state.handle(.asked(first, .missing), at: start + time) == .answer(.underway(progress)))
        }
    }

    @Test func theRegistryIsAskedForAnewAfterAFailure() {
        var state = Situation.locating.state
        #expect(state.handle(.located(reference), at: start) == .wake([first]))
        #expect(state.handle(.asked(first, .missing), at: start) == .look(reference, endings: 0))
        #expect(state.handle(.foundAbsent(first, endings: 0), at: start) == .pull(reference))
        _ = state.handle(.ended(.failed(failure)), at: start)
        #expect(state.handle(.asked(first, .missing), at: start) == .answer(.failed(failure)))
        #expect(state.handle(.asked(first, .missing), at: start) == .locate)
    }

    @Test func aRegistryThatIsNotFoundIsAFailureOfAllWhoWait() {
        var state = Situation.locating.state
        _ = state.handle(.asked(second, .never), at: start)
        #expect(state.handle(.ended(.failed(failure)), at: start) == .wake([first, second]))
        #expect(state.handle(.asked(first, .missing), at: start) == .answer(.failed(failure)))
        #expect(state.handle(.asked(second, .never), at: start) == .answer(.failed(failure)))
    }
}
