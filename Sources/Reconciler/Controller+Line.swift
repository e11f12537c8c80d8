import Logging
import ModelCore
import Synchronization

/// Calling up who stands in line: after whatever was given back, and when time alone gives something back.
///
/// Only those have a look taken at them who could start then, so that of a thousand models that wait for a slot one wakes
/// up for each that is free. Whether it may start is asked once more in the transaction of its intent.
extension Controller {
    /// Has those in line looked at whose turn it is. Returns at once.
    func callUpLine() {
        let begins = state.withLock { !$0.waitingForRoom.isEmpty && $0.lineLook.begin() }
        if begins { submit.yield(.callUp(at: nil)) }
    }

    func callUp(at time: Timestamp?) async {
        guard let time else { return await callUpUntilDone() }
        guard (try? await parts.time.sleep(until: time)) != nil else { return }
        state.withLock { if $0.nextCallUp == time { $0.nextCallUp = nil } }
        callUpLine()
    }

    /// The model waits for a port, and holds nobody up meanwhile. Returns whether to look again at once.
    func park(_ model: ModelRecord, until port: Int, isFreeOf holder: ModelKey) async throws(StoreError) -> Bool {
        if leaveLine(model.key) { callUpLine() }
        // Who stands in line is passed over when a port is given back: that may have happened since it was looked at.
        let ledger = try await parts.store.ledger(limits: limits, uses: [:], at: parts.time.now())
        guard ledger.ports[port] == holder else { return true }
        return try await park(model, reason: portIsLeased(port, to: holder))
    }

    private func callUpUntilDone() async {
        repeat {
            do throws(StoreError) {
                try await callUpOnce()
            } catch {
                if error == .superseded { submit.yield(.superseded) }
                parts.logger.error("the line cannot be called up; trying again", metadata: ["reason": "\(error)"])
                planCallUp(at: parts.time.now() + Self.storeRetryDelay)
            }
        } while state.withLock({ $0.lineLook.finish() }) && !Task.isCancelled
    }

    private func callUpOnce() async throws(StoreError) {
        let waiting = claimsInLine()
        guard !waiting.isEmpty else { return }
        let uses = limits.areAboutRoom ? await uses(of: try await parts.store.liveInstances()) : [:]
        let now = parts.time.now()
        let ledger = try await parts.store.ledger(limits: limits, uses: uses, at: now)
        let called = ModelCore.callUp(waiting, ledger: ledger)
        enqueue(called.keys, .event)
        if let wait = called.askAgainIn { planCallUp(at: now + wait) }
        guard limits.areAboutRoom else { return }
        planCallUp(at: state.withLock { $0.nextPatience(after: now) } ?? now + Self.roomRetryDelay)
    }

    private func claimsInLine() -> [Claim] {
        let now = parts.time.now()
        return state.withLock { $0.waitingClaims(at: now) }
    }

    /// An earlier time that is planned already serves as well.
    private func planCallUp(at time: Timestamp) {
        let isEarlier = state.withLock { state in
            if let planned = state.nextCallUp, planned <= time { return false }
            state.nextCallUp = time
            return true
        }
        if isEarlier { submit.yield(.callUp(at: time)) }
    }
}

extension Controller.State {
    /// When the next caller in line has waited long enough for a busy model to be asked to make room.
    fileprivate func nextPatience(after now: Timestamp) -> Timestamp? {
        let latest = now + Controller.roomRetryDelay
        return waitingForRoom.keys.compactMap { key -> Timestamp? in
            guard let call = calls[key], let model = models[key] else { return nil }
            let time = call + Claim.patience(loadTimeout: model.spec.effective.loadTimeout)
            return now < time && time < latest ? time : nil
        }.min()
    }
}
