/// Going back: why each revision was made, and where roots are pinned.
enum Migration5 {
    static let tables = """
        -- Why it was made, for people.
        ALTER TABLE revision ADD COLUMN cause TEXT NOT NULL DEFAULT '';
        -- The revision that it went back to.
        ALTER TABLE revision ADD COLUMN restored INTEGER REFERENCES revision (number)
            CHECK (restored < number);

        -- The revision that the root is held at, whatever its manifests say.
        ALTER TABLE root ADD COLUMN pinned_revision INTEGER REFERENCES revision (number);
        ALTER TABLE root ADD COLUMN pinned_at INTEGER CHECK ((pinned_at IS NULL) = (pinned_revision IS NULL));
        ALTER TABLE root ADD COLUMN pinned_by TEXT CHECK ((pinned_by IS NULL) = (pinned_revision IS NULL));
        -- What its manifests say meanwhile, for people.
        ALTER TABLE root ADD COLUMN pending TEXT CHECK (pending IS NULL OR pinned_revision IS NOT NULL);
        """

    static let rules = """
        CREATE TRIGGER revision_is_of_a_root_that_is_not_pinned BEFORE INSERT ON revision
        WHEN EXISTS (SELECT 1 FROM root WHERE id = NEW.root_id AND pinned_revision IS NOT NULL)
        BEGIN SELECT RAISE(ABORT, 'the root is pinned'); END;

        CREATE TRIGGER revision_restored_is_of_the_same_root BEFORE INSERT ON revision
        WHEN NEW.restored IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM revision WHERE number = NEW.restored AND root_id = NEW.root_id)
        BEGIN SELECT RAISE(ABORT, 'the revision that is gone back to is of another root'); END;

        CREATE TRIGGER root_is_pinned_at_its_own_revision BEFORE UPDATE OF pinned_revision ON root
        WHEN NEW.pinned_revision IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM revision WHERE number = NEW.pinned_revision AND root_id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'the revision that the root is pinned at is of another root'); END;
        """
}
