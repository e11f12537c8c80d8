/// What was learnt of models: how often they were loaded, how long that usually takes, and what memory they took.
enum Migration2 {
    static let tables = """
        ALTER TABLE model ADD COLUMN load_count INTEGER NOT NULL DEFAULT 0 CHECK (load_count >= 0);
        -- A moving average over the loads.
        ALTER TABLE model ADD COLUMN usual_load_ms INTEGER CHECK (usual_load_ms >= 0);
        -- As last measured, over the whole process tree.
        ALTER TABLE model ADD COLUMN memory_bytes INTEGER CHECK (memory_bytes >= 0);

        UPDATE model SET load_count = 1, usual_load_ms = last_load_ms WHERE last_load_ms IS NOT NULL;
        """

    static let rules = """
        CREATE TRIGGER model_load_times_are_whole
        BEFORE UPDATE OF load_count, last_load_ms, usual_load_ms ON model
        WHEN (NEW.load_count = 0) <> (NEW.last_load_ms IS NULL) OR (NEW.load_count = 0) <> (NEW.usual_load_ms IS NULL)
        BEGIN SELECT RAISE(ABORT, 'load times are known for as many loads as are counted'); END;

        CREATE TRIGGER model_loads_are_only_added BEFORE UPDATE OF load_count ON model
        WHEN NEW.load_count < OLD.load_count
        BEGIN SELECT RAISE(ABORT, 'loads are only added'); END;
        """
}
