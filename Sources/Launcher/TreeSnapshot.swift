internal import ModelCore
internal import ProcFS

/// The processes that were seen in an instance's tree, remembered for the case that its shim is killed: what a dead
/// shim leaves behind can then be told from strangers, even where it has made itself hard to find.
struct TreeSnapshot: Equatable {
    struct Entry: Hashable {
        var pid: Int32
        var startTicks: UInt64
    }

    var bootID: String
    var entries: Set<Entry>

    /// The tree below a living shim.
    init(of shim: ProcessIdentity, in forest: ProcessForest) {
        bootID = shim.bootID
        entries = Set(
            forest.descendants(of: shim.pid).filter { !$0.isZombie }
                .map { Entry(pid: $0.pid, startTicks: $0.startTicks) })
    }

    /// Reads what ``text`` wrote; what is not understood is left out.
    init(_ text: String) {
        let lines = text.split(separator: "\n")
        bootID = lines.first.map(String.init) ?? ""
        entries = Set(
            lines.dropFirst().compactMap { line in
                let fields = line.split(separator: " ")
                guard fields.count == 2, let pid = Int32(fields[0]), let ticks = UInt64(fields[1]) else { return nil }
                return Entry(pid: pid, startTicks: ticks)
            })
    }

    var text: String {
        let lines = entries.sorted { ($0.pid, $0.startTicks) < ($1.pid, $1.startTicks) }
        return "\(bootID)\n" + lines.map { "\($0.pid) \($0.startTicks)\n" }.joined()
    }
}

extension InstanceFiles {
    private var tree: String { "\(path)/tree" }
    /// Bytes: some hundred thousand processes.
    private static let longestTree = 4 * 1024 * 1024

    /// Remembers the tree below a living shim. What cannot be written is not remembered: the sweep has other evidence.
    func recordTree(of shim: ProcessIdentity, in forest: ProcessForest) {
        guard forest.contains(shim.pid, startTicks: shim.startTicks) else { return }
        let snapshot = TreeSnapshot(of: shim, in: forest)
        guard !snapshot.entries.isEmpty, snapshot != recordedTree() else { return }
        try? writeFile(tree, snapshot.text)
    }

    func recordedTree() -> TreeSnapshot? {
        guard let bytes = try? readFile(tree, limit: Self.longestTree) else { return nil }
        return TreeSnapshot(String(decoding: bytes, as: UTF8.self))
    }
}
