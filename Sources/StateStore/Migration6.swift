/// Replacing: which instances are as good as the generation that is wanted, and what is started in its place where it has
/// failed.
enum Migration6 {
    static let tables = """
        -- The generation that began with the latest restart or new image: instances from before are stale.
        ALTER TABLE model ADD COLUMN fresh_since INTEGER NOT NULL DEFAULT 1 CHECK (fresh_since >= 1);
        UPDATE model SET fresh_since = generation;
        -- What is remembered of failed loads of the generation that was started again in place of the wanted one.
        ALTER TABLE model ADD COLUMN restoration TEXT
            CHECK (restoration IS NULL OR (json_valid(restoration) AND failures IS NOT NULL));
        -- The generation in whose place it was launched, since that had failed.
        ALTER TABLE instance ADD COLUMN instead_of INTEGER CHECK (instead_of > generation);
        """

    static let rules = """
        CREATE TRIGGER model_is_fresh_since_a_generation BEFORE UPDATE OF fresh_since ON model
        WHEN NEW.fresh_since > NEW.generation OR NEW.fresh_since < OLD.fresh_since
        BEGIN SELECT RAISE(ABORT, 'what is stale never becomes fresh again'); END;

        CREATE TRIGGER instance_instead_of_is_fixed BEFORE UPDATE OF instead_of ON instance
        WHEN NEW.instead_of IS NOT OLD.instead_of
        BEGIN SELECT RAISE(ABORT, 'what an instance was launched as never changes'); END;
        """
}
