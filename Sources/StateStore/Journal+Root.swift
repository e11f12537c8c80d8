internal import GRDB
internal import ModelCore

/// Which directories are followed.
extension Journal {
    /// Has a root followed from now on.
    func register(_ path: String) throws -> Int64 {
        if let known = try Row.fetchOne(db, sql: "SELECT id, is_followed FROM root WHERE path = ?", arguments: [path]) {
            let id: Int64 = known["id"]
            if known["is_followed"] == 0 {
                try db.execute(sql: "UPDATE root SET is_followed = 1 WHERE id = ?", arguments: [id])
                try event("root", of: nil, "manifests below \(path) are followed again")
            }
            return id
        }
        try db.execute(
            sql: "INSERT INTO root (path, registered_at) VALUES (?, ?)", arguments: [path, now.milliseconds])
        let root = db.lastInsertedRowID
        try event("root", of: nil, "manifests below \(path) are followed")
        return root
    }

    /// Makes `directory`, or the root that contains it, the one that `serve` names: the one that it named before is followed
    /// no longer, unless an operator has asked for that one, too.
    func serve(_ directory: String) throws -> String {
        let path = try RootStanding.all(in: db).served(as: directory)
        let root = try register(path)
        for old in try Row.fetchAll(
            db, sql: "SELECT id, path FROM root WHERE is_served AND is_followed AND NOT is_applied AND id <> ?",
            arguments: [root])
        {
            try unfollow(old["id"], path: old["path"], because: "\(path) is served")
        }
        try markServed(root)
        return path
    }

    /// At most one root is what `serve` names, at each moment: the former one gives it up first.
    func markServed(_ root: Int64) throws {
        try db.execute(sql: "UPDATE root SET is_served = 0 WHERE is_served AND id <> ?", arguments: [root])
        try db.execute(sql: "UPDATE root SET is_served = 1 WHERE NOT is_served AND id = ?", arguments: [root])
    }

    /// A pin goes as well: what another root makes of the models is not held to it.
    func unfollow(_ root: Int64, path: String, because reason: String) throws {
        if try RootPin.of(root, in: db) != nil {
            try clearPin(of: root)
            try event("pinned", of: nil, "\(path) is no longer pinned: \(reason)")
        }
        try db.execute(sql: "UPDATE root SET is_followed = 0, is_applied = 0 WHERE id = ?", arguments: [root])
        try db.execute(sql: "DELETE FROM manifest_fault WHERE root_id = ?", arguments: [root])
        try event("root", of: nil, "manifests below \(path) are followed no longer: \(reason)")
    }

    /// A root contains the ones that were named before it and lie in it. One that is pinned stays as it is, and by itself.
    /// Where `serve` names one of them, that means the outer one from now on: what former ones had is in its care.
    func takeOver(below path: String, into root: Int64) throws {
        let inner = try RootStanding.all(in: db).filter { $0.isFollowed && $0.givesWay(to: path) }
        for standing in inner {
            guard let id = try Int64.fetchOne(db, sql: "SELECT id FROM root WHERE path = ?", arguments: [standing.path])
            else { continue }
            try unfollow(id, path: standing.path, because: "\(path) contains them")
        }
        if inner.contains(where: \.isServed) { try markServed(root) }
    }
}
