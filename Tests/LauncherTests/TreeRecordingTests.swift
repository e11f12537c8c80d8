@testable import Launcher
import ModelCore
import Testing

/// When the processes of instances are remembered, and by whom.
@Suite struct TreeRecordingTests {
    private static let shim = ProcessIdentity(bootID: "b", pid: 1, startTicks: 1, pidNamespace: 1, pidfdInode: nil)

    @Test(arguments: [1, 2, 4, 8, 16, 30] as [Int64], [0, 7, 499, 500, 1234, 29_990, 1_000_003] as [Int64])
    func allMeetAtTheSameMoments(seconds: Int64, uptime: Int64) {
        let pause = TreeRecordings.pause(about: .seconds(seconds), uptime: .milliseconds(uptime))
        // Neither at once, nor much later than it would be without the others.
        #expect(pause >= .milliseconds(seconds * 500) && pause < .milliseconds(seconds * 1500))
        let moment = Int64(pause / .milliseconds(1)) + uptime
        #expect(moment % (seconds * 1000) == 0)
    }

    @Test func whoWakesUpAMomentTooEarlyDoesNotComeTwice() {
        #expect(TreeRecordings.pause(about: .seconds(30), uptime: .milliseconds(29_990)) == .milliseconds(30_010))
        #expect(TreeRecordings.pause(about: .seconds(30), uptime: .milliseconds(30_010)) == .milliseconds(29_990))
    }

    @Test func oneDoesItForAllWhoCome() {
        var recordings = TreeRecordings()
        let ids = (0..<4).map { InstanceID("\($0)") }
        let isFirst = [recordings.add(ids[0], Self.shim), recordings.add(ids[1], Self.shim)]
        #expect(isFirst == [true, false])
        let first = recordings.next()
        #expect(first.map { Set($0.keys) } == Set(ids[..<2]))
        // Who comes while it is being done is done next, by the same one.
        let isMeanwhile = recordings.add(ids[2], Self.shim)
        #expect(!isMeanwhile)
        let second = recordings.next()
        #expect(second.map { Set($0.keys) } == [ids[2]])
        let end = recordings.next()
        #expect(end == nil)
        let isNext = recordings.add(ids[3], Self.shim)
        #expect(isNext)
    }
}
