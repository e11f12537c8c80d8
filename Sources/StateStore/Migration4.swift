/// Which engine has the container of an instance, so that one that is asked in its place is not believed that it is gone.
enum Migration4 {
    static let tables = """
        -- What the engine is and where it keeps its containers: what tells it from every other one of this host. NULL where
        -- the instance was launched before this was recorded, until it is found again.
        ALTER TABLE instance ADD COLUMN engine TEXT CHECK (engine <> '');
        -- Where it answered then; for people.
        ALTER TABLE instance ADD COLUMN engine_address TEXT CHECK ((engine_address IS NULL) = (engine IS NULL));
        """

    static let rules = """
        CREATE TRIGGER instance_engine_is_fixed BEFORE UPDATE OF engine, engine_address ON instance
        WHEN OLD.engine IS NOT NULL
            AND (NEW.engine IS NOT OLD.engine OR NEW.engine_address IS NOT OLD.engine_address)
        BEGIN SELECT RAISE(ABORT, 'the engine of an instance never changes'); END;

        CREATE TRIGGER instance_engine_is_of_a_container BEFORE UPDATE OF engine ON instance
        WHEN NEW.engine IS NOT NULL AND NEW.container_id IS NULL
        BEGIN SELECT RAISE(ABORT, 'only a container is on an engine'); END;
        """
}
