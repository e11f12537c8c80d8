import ModelCore
import Reconciler
import StateStore

/// The revisions of a state, for who only reads it.
struct RecordedRevisions {
    let history: RevisionHistory
    private let reader: StateReader

    init(_ state: StateOptions, _ snapshot: StateSnapshot) throws {
        reader = StateReader(StateDirectory(state.directory))
        do throws(StoreError) {
            history = RevisionHistory(
                roots: snapshot.roots.map(\.path),
                pins: Dictionary(
                    snapshot.roots.compactMap { root in root.pin.map { (root.path, $0) } },
                    uniquingKeysWith: { first, _ in first }),
                revisions: try reader.revisions() ?? [])
        } catch {
            throw CommandFailure(error)
        }
    }

    /// The revision that is meant; one that there is not ends with a sentence that names those that there are.
    func target(_ order: RollbackOrder) throws -> RollbackTarget {
        do throws(ApplyError) {
            return try RollbackTarget(order, in: history)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// The models of a revision in the order of their keys.
    func models(of target: RollbackTarget) throws -> [ManifestModel] {
        do throws(StoreError) {
            // It was there a moment ago; a revision is forgotten only when a thousand have followed it.
            return try reader.models(ofRevision: target.revision) ?? []
        } catch {
            throw CommandFailure(error)
        }
    }
}
