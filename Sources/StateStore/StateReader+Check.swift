internal import GRDB
package import Reconciler

extension StateReader {
    /// Throws where a page of the database does not hold what it should. Takes as long as reading the file does; blocks.
    package func check() throws(StoreError) {
        _ = try read { db in try db.checkIsSound(at: directory.database) }
    }
}
