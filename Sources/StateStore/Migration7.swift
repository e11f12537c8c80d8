/// What keeps manifests from being acted on: files that are not accepted, removals that are held back, and roots that
/// nobody names any more.
enum Migration7 {
    static let tables = """
        -- Whether `serve` names it: at most one root.
        ALTER TABLE root ADD COLUMN is_served INTEGER NOT NULL DEFAULT 0 CHECK (is_served IN (0, 1));
        -- Whether an operator applied it, or rolled it back, while `serve` named another, or none: then it is followed
        -- whatever `serve` names later.
        ALTER TABLE root ADD COLUMN is_applied INTEGER NOT NULL DEFAULT 0 CHECK (is_applied IN (0, 1));
        ALTER TABLE root ADD COLUMN is_followed INTEGER NOT NULL DEFAULT 1 CHECK (is_followed IN (0, 1));

        -- One row a file: the first thing that is wrong with it.
        CREATE TABLE manifest_fault (
            root_id INTEGER NOT NULL REFERENCES root (id),
            file TEXT NOT NULL,
            line INTEGER NOT NULL CHECK (line >= 0),
            column_number INTEGER NOT NULL CHECK (column_number >= 0),
            message TEXT NOT NULL,
            hint TEXT,
            since INTEGER NOT NULL,
            PRIMARY KEY (root_id, file)
        ) STRICT, WITHOUT ROWID;

        -- Models that no manifest defines any more, and that stay.
        CREATE TABLE removal_held (
            key TEXT PRIMARY KEY REFERENCES model (key) ON DELETE CASCADE,
            since INTEGER NOT NULL,
            -- The line to run that lets it go.
            remedy TEXT NOT NULL CHECK (remedy <> '')
        ) STRICT, WITHOUT ROWID;
        """

    static let rules = """
        CREATE TRIGGER removal_that_is_carried_out_is_not_held AFTER UPDATE OF is_removed ON model
        WHEN NEW.is_removed
        BEGIN DELETE FROM removal_held WHERE key = NEW.key; END;

        CREATE TRIGGER removal_held_is_of_what_is_enforced BEFORE INSERT ON removal_held
        WHEN EXISTS (SELECT 1 FROM model WHERE key = NEW.key AND is_removed)
        BEGIN SELECT RAISE(ABORT, 'the model is removed already'); END;
        """
}
