internal import GRDB
package import ModelCore
package import Reconciler

extension StateReader {
    /// The revisions of every root that can still be told in full, oldest first; `nil` where there is no database, or
    /// nothing in it yet. Blocks.
    package func revisions() throws(StoreError) -> [RevisionRecord]? {
        try read { db in try RevisionRecord.kept(in: db) }
    }

    /// The models of a root as a revision left them, in the order of their keys; `nil` where there is no such revision, or
    /// where it can no longer be told in full. Blocks.
    package func models(ofRevision revision: Int) throws(StoreError) -> [ManifestModel]? {
        try read { db in try ManifestModel.all(ofRevision: revision, in: db) } ?? nil
    }
}
