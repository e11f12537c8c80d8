internal import ModelCore
internal import NIOCore
internal import NIOPosix
package import Reconciler

/// Asks a model server whether it is ready, over one connection that is closed at once, and proves by the owner of
/// the listening socket that it is our server who answered.
///
/// Keeps no state: any number of probes may run at once. Nothing of it blocks the caller's thread; `/proc` is read and
/// names are resolved on threads of their own.
package struct ReadinessProber: Prober {
    package init() {}

    package func probe(_ target: ProbeTarget) async -> ProbeVerdict {
        let probe = target.readiness.probe ?? ProbeSpec()
        let deadline = NIODeadline.now() + TimeAmount(probe.effectiveTimeout.duration)
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let addresses: [HostAddress]
        do throws(ResolutionError) {
            addresses = try await HostResolver.addresses(of: target.host, before: deadline, on: eventLoop)
        } catch {
            return .failed(reason: "\(target.host) cannot be resolved: \(error.reason)")
        }
        guard let first = addresses.first else { return .failed(reason: "\(target.host) has no address") }

        let round = ProbeRound(target: target, addresses: addresses, deadline: deadline, eventLoop: eventLoop)
        guard case .none = target.readiness else { return await round.verdict() }
        return .ready(address: await round.ownAddress()?.text ?? first.text)
    }
}
