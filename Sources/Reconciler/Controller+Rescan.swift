import Logging
import ModelCore
import Synchronization

/// Reading the manifests again, and looking at everything.
extension Controller {
    /// Has a look taken at every model; at eager ones first.
    package func enqueueAll() async throws(StoreError) {
        let models = try await parts.store.models()
        enqueue(models.filter(\.isEager).map(\.key) + models.filter { !$0.isEager }.map(\.key))
    }

    /// Reads every registered root again whenever something in it changes, and every ``rescanInterval``, until cancelled.
    package func rescan() async {
        await withTaskGroup { group in
            group.addTask {
                for await _ in self.parts.manifests.changes { await self.readRootsAgain() }
            }
            group.addTask {
                while (try? await self.parts.time.sleep(for: Self.rescanInterval)) != nil {
                    await self.pass()
                    await self.pruneRuntimeFiles()
                    await self.sweep()
                }
            }
        }
    }

    /// Has the roots watched that are registered now.
    func followRoots() async throws(StoreError) {
        let logger = parts.logger
        parts.manifests.follow(try await parts.store.roots()) { trouble in
            logger.warning("manifests cannot be watched", metadata: ["reason": "\(trouble)"])
        }
    }

    /// Edits that the kernel did not announce (on a network file system, say) are seen after this long at the latest.
    static let rescanInterval: Seconds = 30

    /// As somebody asks for it: a pass, and a look at which images have moved.
    package func rescanOnce() async {
        await pass()
        submit.yield(.lookAtImages)
    }

    /// What cannot be accepted is logged, and stays as it was.
    func readRootsAgain() async {
        guard state.withLock({ $0.mode == .running }) else { return }
        do throws(StoreError) {
            for root in try await parts.store.roots() {
                let report = try? await apply(root: root, removalGuard: RemovalGuard(), follows: true)
                if let report { logNews(report, root: root) }
            }
        } catch {
            parts.logger.error("manifests cannot be accepted", metadata: ["reason": "\(error)"])
        }
    }

    private func logNews(_ report: ApplyReport, root: String) {
        let isNews = state.withLock { state in
            if state.lastDiagnostics[root] == report.diagnostics { return false }
            state.lastDiagnostics[root] = report.diagnostics
            return true
        }
        for diagnostic in report.diagnostics where isNews {
            parts.logger.warning("manifest", metadata: ["diagnostic": "\(diagnostic.rendered)"])
        }
        guard report.isAccepted, !report.changes.isEmpty else { return }
        parts.logger.info(
            "manifests accepted",
            metadata: ["root": "\(root)", "revision": "\(report.revision)", "changes": "\(report.changes.count)"])
    }
}

extension ModelRecord {
    fileprivate var isEager: Bool { spec.effective.load == .eager }
}
