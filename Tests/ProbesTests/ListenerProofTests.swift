import Testing

@testable import Probes
@testable import ProcFS

/// Which of several listeners the kernel lets answer, and which addresses a host stands for.
struct ListenerProofTests {
    private static let v4Any = Listener(family: .v4, address: [0, 0, 0, 0], inode: 1)
    private static let v4Loopback = Listener(family: .v4, address: [127, 0, 0, 1], inode: 2)
    private static let v6Any = Listener(family: .v6, address: [UInt8](repeating: 0, count: 16), inode: 3)
    private static let v6Loopback = Listener(family: .v6, address: HostAddress.loopbackV6.bytes, inode: 4)
    private static let mapped = Listener(
        family: .v6, address: [UInt8](repeating: 0, count: 10) + [255, 255, 127, 0, 0, 1], inode: 5)
    private static let other = Listener(family: .v4, address: [10, 0, 0, 1], inode: 6)

    @Test(
        arguments: [
            ([], [], []),
            ([other], [], []),
            ([v4Any], [1], []),
            ([v6Any], [3], [3]),
            ([v4Any, v6Any], [1], [3]),
            ([v4Any, v4Loopback, v6Any], [2], [3]),
            ([v4Any, mapped], [5], []),
            ([v4Loopback, mapped], [2, 5], []),
            ([v6Any, v6Loopback], [3], [4]),
        ] as [([Listener], Set<UInt64>, Set<UInt64>)])
    func theMostExactListenersAnswer(listeners: [Listener], v4: Set<UInt64>, v6: Set<UInt64>) {
        #expect(ListenerProof.sockets(of: listeners, answeringAt: .loopbackV4) == v4)
        #expect(ListenerProof.sockets(of: listeners, answeringAt: .loopbackV6) == v6)
    }

    @Test func hostsThatNeedNoResolver() {
        #expect(HostAddress.known("LocalHost") == [.loopbackV4, .loopbackV6])
        #expect(HostAddress.known("0.0.0.0") == [.loopbackV4])
        #expect(HostAddress.known("::") == [.loopbackV6, .loopbackV4])
        #expect(HostAddress.known("10.1.2.3")?.map(\.text) == ["10.1.2.3"])
        #expect(HostAddress.known("::0:1") == [.loopbackV6])
        #expect(HostAddress.known("example.org") == nil)
        #expect(HostAddress.known("127.1") == nil)
    }

    @Test func theResolverAnswersWithNumbers() throws {
        #expect(try HostAddress.resolved("127.0.0.1") == [.loopbackV4])
        #expect(try HostAddress.resolved("::1") == [.loopbackV6])
    }
}
