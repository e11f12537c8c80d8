internal import GRDB

// # The state database, in prose
//
// `state/modelet.db` is one SQLite file in WAL mode. One program writes it: the controller that holds `state/lock`.
// Anyone may read it, with any SQLite from 3.37 on, while the controller runs and when it is dead.
//
// **What has been accepted.** A `root` is a directory whose manifests were named to us. Those that are *followed*
// (`is_followed`) are read again and again: the one that is *served*, which `serve` names, and what an operator has
// *applied* while that was not it. One that `serve` names no longer, and nobody applied, is followed no longer, nor is one
// that lies in a root that was named later; the models that it defined go on until the root that took its place says
// what becomes of them.
//
// Accepting a change of the manifests of a root makes a `revision`, numbered across all roots, so that a number alone
// names one. `revision_model` keeps what each revision changed: a root as of revision N is the newest row at or below N of
// every key, where that is of one of its own revisions. The latest thousand revisions of each root can be told; older ones
// go when nothing refers to them. A revision says what `cause` it has, and which earlier one it `restored`. A root may be
// pinned at one of its revisions: then nothing but an operator's word makes another one, and `pending` is what its
// manifests have come to say meanwhile.
//
// `manifest_file` holds the files that define models now, and `model` the models themselves: the canonical spec as JSON,
// the generation, and what is remembered between instances (demand, hold, backoff, load times, the memory that was last
// measured), how far the fetching of its image is (`pull`), and what the image's name has come to stand for since it was
// launched (`drift`). A file that is not accepted has a `manifest_fault`; a model whose removal is held back, a
// `removal_held`.
//
// An instance is what is wanted if it is of the model's generation, or is of `fresh_since` or later and has the same run
// fields: a restart makes all others stale.
//
// **What may run.** An `instance` is one launch. Its row is born in the phase `intent`, before anything of it exists,
// and moves along the arrows of its life, never back. A container has a fixed `image`, so that what runs does not depend on
// what a tag means today, and an `engine`, recorded with its id: that a container is gone is believed of no other.
// `instead_of` is the generation in whose place it was launched, since that had failed. While it is live it holds a
// `port_lease`; `route` says that predictions go to it. What can be neither found nor proved gone is `unknown`, until it
// is, or until an operator forgets it: then it is `lost`. Ended instances are kept, the newest few of each model.
//
// **What was done.** An `operation` is a step with its cause. It is opened in the transaction that announces the step
// and closed in the one that records its result: an open one after a crash is a step whose result nobody saw. A `pull` is
// of a model, before there is an instance; all others are of an instance. An
// `event` is a line for people.
//
// **Who may write.** `meta` has one row: the name of this state, and the epoch. Every controller raises the epoch when
// it takes over, and every transaction checks it: one that was superseded, and does not know it, can write nothing.
//
// What must never be false is a constraint or a trigger here, so that a fault elsewhere is refused and not recorded:
//
// - at most one instance from `intent` to `unready` for each (key, generation, replica);
// - no port is leased twice, a live instance keeps its lease, and nothing is launched without one;
// - at most one open operation an instance, and none of one that has ended; at most one open pull a model, and one where
//   the model says that it pulls;
// - a route is made only to a ready instance, and must be gone before the instance goes further than `unready`;
// - from `gated` to `stopping` an instance has a verified identity: that of its shim, or a container id, never both; the
//   engine of a container never changes once it is known;
// - phases follow the arrows; ids, and what an instance was launched as, never change; a live row is never deleted;
// - a pinned root gets no revision: whoever makes one unpins it in the same transaction;
// - at most one root is the one that `serve` names;
// - a removal is held back of a model that is enforced, and of none that is removed;
// - generations and the epoch only grow.
//
// Times are whole milliseconds since 1970 in UTC in the tables, and RFC 3339 text in the views. The views (`models`,
// `instances`, `operations`, `events`, `routes`, `roots`, `revisions`, `manifest_faults`, `held_removals`) are a supported
// interface; the tables are not.

/// The versions of the schema.
enum Schema {
    /// `PRAGMA application_id`: "mdlt". Tells our file from every other SQLite file. Set before anything else is, so
    /// that a file whose making was cut short is still known as ours.
    static let applicationID: Int32 = 0x6D64_6C74

    /// Every step from an empty file to the current schema. A step that has been released is never edited.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        let steps = [
            [Migration1.tables, Migration1.rules],
            [Migration2.tables, Migration2.rules],
            [Migration3.tables, Migration3.rules],
            [Migration4.tables, Migration4.rules],
            [Migration5.tables, Migration5.rules],
            [Migration6.tables, Migration6.rules],
            [Migration7.tables, Migration7.rules],
            [Migration8.tables],
        ]
        for (index, statements) in steps.enumerated() {
            migrator.registerMigration("\(index + 1)") { db in
                for sql in statements { try db.execute(sql: sql) }
            }
        }
        return migrator
    }
}

/// The first schema.
enum Migration1 {}
