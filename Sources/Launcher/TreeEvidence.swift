internal import Glibc
internal import ModelCore
internal import Ports
internal import ProcFS

/// What tells the processes of one instance from all others, once its shim is dead.
///
/// - The last recorded snapshot of the tree names them by pid and start ticks: proof.
/// - The marker `MODELET_INSTANCE=<id>` in the environment, which children inherit: proof. That it is missing proves
///   nothing; `setproctitle` and `env -i` wipe it.
/// - The session of the shim: proof if we have watched the shim die. Otherwise its number may have been given to a
///   stranger since, and is a reason for doubt only.
/// - Listening on the instance's port: a reason for doubt, where nothing shows that it is a stranger's.
/// - Descending from any of them: proof.
struct TreeEvidence {
    let instance: InstanceID
    let port: Int
    /// `nil`: it was never recorded, and so never let go; or its pid means nothing here and now.
    let shim: ProcessIdentity?
    let snapshot: TreeSnapshot?
    /// Whether this program held the shim's pidfd when it died, moments ago.
    let watchedDeath: Bool

    struct Finding {
        var ours: [ProcStat]
        /// Processes that may be of the instance: a sentence each.
        var suspects: [String]
    }

    /// Sorts one scan of all processes. Zombies are left out: they run and hold nothing.
    func examine(_ all: [ProcStat]) throws(ProcFSError) -> Finding {
        let untouchable = ownAncestors(all)
        let candidates = all.filter { !$0.isZombie && !untouchable.contains($0.pid) && isYoungEnough($0) }
        let marker = "\(ServerEnvironment.instanceMarker)=\(instance)"
        var ours = Set<Int32>()
        for process in candidates where isProved(process, marker: marker, all) {
            ours.insert(process.pid)
        }
        let candidateIDs = Set(candidates.map(\.pid))
        for pid in ours {
            ours.formUnion(ProcFS.descendants(of: pid, among: all).map(\.pid).filter(candidateIDs.contains))
        }
        let others = candidates.filter { !ours.contains($0.pid) }
        return Finding(
            ours: candidates.filter { ours.contains($0.pid) },
            suspects: doubtfulMembers(others) + (try doubtfulListeners(others, all)))
    }

    /// This program and those above it are nobody's leftovers, whatever they inherited.
    private func ownAncestors(_ all: [ProcStat]) -> Set<Int32> {
        let parents = Dictionary(all.map { ($0.pid, $0.ppid) }, uniquingKeysWith: { first, _ in first })
        var pids: Set<Int32> = [1]
        var next: Int32? = getpid()
        while let pid = next, pids.insert(pid).inserted { next = parents[pid] }
        return pids
    }

    /// All of an instance's processes were started after its shim.
    private func isYoungEnough(_ process: ProcStat) -> Bool {
        shim.map { process.startTicks >= $0.startTicks } ?? true
    }

    private func isProved(_ process: ProcStat, marker: String, _ all: [ProcStat]) -> Bool {
        if process.pid == shim?.pid { return false }
        if isInSnapshot(process) { return true }
        if watchedDeath, let shim, process.session == shim.pid, !isSessionOfAnother(shim, all) { return true }
        return (try? ProcFS.environmentContains(process.pid, marker)) ?? false
    }

    private func isInSnapshot(_ process: ProcStat) -> Bool {
        guard let snapshot, snapshot.bootID == shim?.bootID else { return false }
        return snapshot.entries.contains(TreeSnapshot.Entry(pid: process.pid, startTicks: process.startTicks))
    }

    /// A pid is given again only when no session bears its number; so a new process of that pid means a new session.
    private func isSessionOfAnother(_ shim: ProcessIdentity, _ all: [ProcStat]) -> Bool {
        all.contains { $0.pid == shim.pid && $0.startTicks != shim.startTicks }
    }

    private func doubtfulMembers(_ others: [ProcStat]) -> [String] {
        guard let shim, !isSessionOfAnother(shim, others) else { return [] }
        return others.filter { $0.session == shim.pid && $0.pid != shim.pid }.map {
            "\(describe($0.pid)) is in session \(shim.pid), which was that of its shim, but nothing else shows whose it is"
        }
    }

    /// Who listens on the port and cannot be shown to be a stranger: no member of a session that is older than the
    /// instance can be of its tree.
    private func doubtfulListeners(_ others: [ProcStat], _ all: [ProcStat]) throws(ProcFSError) -> [String] {
        guard let shim, port > 0 else { return [] }
        let inodes = Set(try ProcFS.listeners(onPort: port).map(\.inode))
        if inodes.isEmpty { return [] }
        let started = Dictionary(all.map { ($0.pid, $0.startTicks) }, uniquingKeysWith: { first, _ in first })
        return others.compactMap { process in
            if let leader = started[process.session], leader < shim.startTicks { return nil }
            guard let held = try? ProcFS.socketInodes(of: process.pid, among: inodes), !held.isEmpty else { return nil }
            return "\(describe(process.pid)) listens on port \(port), and nothing shows whether it was left behind"
        }
    }
}
