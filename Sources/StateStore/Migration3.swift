/// Containers: the fetching of their images, what they were launched with, and whether memory was what ended them.
enum Migration3 {
    static let tables = """
        -- How far the fetching of its image is, for programs and for people.
        ALTER TABLE model ADD COLUMN pull TEXT CHECK (pull IS NULL OR json_valid(pull));
        ALTER TABLE model ADD COLUMN pull_message TEXT CHECK ((pull_message IS NULL) = (pull IS NULL));
        -- What the name of its instance's image stands for now, where that is another one than runs.
        ALTER TABLE model ADD COLUMN drift TEXT;
        -- Whether the generation was advanced for it.
        ALTER TABLE model ADD COLUMN drift_followed INTEGER NOT NULL DEFAULT 0
            CHECK (drift_followed = 0 OR (drift_followed = 1 AND drift IS NOT NULL));

        -- What a container was launched with: `repository@sha256:…`, or `sha256:…` where only this host knows it.
        ALTER TABLE instance ADD COLUMN image TEXT CHECK (image <> '');
        ALTER TABLE instance ADD COLUMN exit_oom INTEGER NOT NULL DEFAULT 0
            CHECK (exit_oom = 0 OR (exit_oom = 1 AND exit_kind IS NOT NULL));

        CREATE UNIQUE INDEX operation_open_pull ON operation (key) WHERE kind = 'pull' AND closed_at IS NULL;
        """

    static let rules = """
        CREATE TRIGGER instance_image_is_fixed BEFORE UPDATE OF image ON instance
        WHEN NEW.image IS NOT OLD.image
        BEGIN SELECT RAISE(ABORT, 'what an instance was launched as never changes'); END;

        CREATE TRIGGER instance_is_of_one_kind BEFORE UPDATE OF shim_pid, container_id ON instance
        WHEN NEW.shim_pid IS NOT NULL AND (NEW.container_id IS NOT NULL OR NEW.image IS NOT NULL)
        BEGIN SELECT RAISE(ABORT, 'an instance is a process or a container'); END;

        CREATE TRIGGER operation_pull_is_of_a_model BEFORE INSERT ON operation
        WHEN NEW.kind = 'pull' AND NEW.instance_id IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'an image is pulled before there is an instance'); END;

        CREATE TRIGGER operation_pull_is_the_only_open_one BEFORE INSERT ON operation
        WHEN NEW.kind = 'pull' AND NEW.closed_at IS NULL
            AND EXISTS (SELECT 1 FROM operation WHERE key = NEW.key AND kind = 'pull' AND closed_at IS NULL)
        BEGIN SELECT RAISE(ABORT, 'a pull of the model is still open'); END;

        CREATE TRIGGER model_pull_is_journalled BEFORE UPDATE OF pull ON model
        WHEN NEW.pull IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM operation WHERE key = NEW.key AND kind = 'pull' AND closed_at IS NULL)
        BEGIN SELECT RAISE(ABORT, 'no pull of the model is open'); END;

        CREATE TRIGGER operation_pull_ends_with_the_model_s BEFORE UPDATE OF closed_at ON operation
        WHEN NEW.kind = 'pull' AND NEW.closed_at IS NOT NULL
            AND EXISTS (SELECT 1 FROM model WHERE key = NEW.key AND pull IS NOT NULL)
        BEGIN SELECT RAISE(ABORT, 'the model still says that it pulls'); END;

        CREATE TRIGGER model_pulling_is_kept BEFORE DELETE ON model
        WHEN OLD.pull IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'an image is being pulled for the model'); END;
        """
}
