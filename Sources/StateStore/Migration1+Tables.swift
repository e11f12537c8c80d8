extension Migration1 {
    static let tables = """
        CREATE TABLE meta (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            uuid TEXT NOT NULL CHECK (length(uuid) = 36),
            epoch INTEGER NOT NULL CHECK (epoch >= 0),
            created_at INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE root (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            path TEXT NOT NULL UNIQUE CHECK (substr(path, 1, 1) = '/'),
            registered_at INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE revision (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            root_id INTEGER NOT NULL REFERENCES root (id),
            accepted_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX revision_of_root ON revision (root_id, number);

        CREATE TABLE revision_model (
            revision INTEGER NOT NULL REFERENCES revision (number),
            key TEXT NOT NULL,
            action TEXT NOT NULL CHECK (action IN ('create', 'replace', 'update', 'remove')),
            generation INTEGER NOT NULL,
            spec TEXT CHECK (spec IS NULL OR json_valid(spec)),
            file TEXT,
            line INTEGER,
            changes TEXT NOT NULL,
            PRIMARY KEY (revision, key),
            CHECK ((action = 'remove') = (spec IS NULL))
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX revision_model_of_key ON revision_model (key, revision);

        CREATE TABLE manifest_file (
            root_id INTEGER NOT NULL REFERENCES root (id),
            path TEXT NOT NULL,
            revision INTEGER NOT NULL REFERENCES revision (number),
            PRIMARY KEY (root_id, path)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE model (
            key TEXT PRIMARY KEY,
            domain TEXT NOT NULL,
            source TEXT NOT NULL,
            model TEXT NOT NULL,
            spec TEXT NOT NULL CHECK (json_valid(spec)),
            generation INTEGER NOT NULL CHECK (generation >= 1),
            root_id INTEGER NOT NULL,
            file TEXT NOT NULL,
            line INTEGER NOT NULL,
            revision INTEGER NOT NULL REFERENCES revision (number),
            is_removed INTEGER NOT NULL DEFAULT 0 CHECK (is_removed IN (0, 1)),
            demand_since INTEGER,
            demand_by TEXT,
            hold_since INTEGER,
            hold_by TEXT,
            failures INTEGER CHECK (failures >= 1),
            failure_class TEXT CHECK (failure_class IN ('retryable', 'terminal')),
            failure_message TEXT,
            failure_at INTEGER,
            failure_exit TEXT CHECK (failure_exit IS NULL OR json_valid(failure_exit)),
            next_attempt_at INTEGER,
            last_exit_at INTEGER,
            last_load_ms INTEGER CHECK (last_load_ms >= 0),
            waiting TEXT,
            CHECK (key = domain || '/' || source || '/' || model),
            CHECK ((demand_since IS NULL) = (demand_by IS NULL)),
            CHECK ((hold_since IS NULL) = (hold_by IS NULL)),
            CHECK ((failures IS NULL) = (failure_class IS NULL)),
            CHECK ((failures IS NULL) = (failure_message IS NULL)),
            CHECK ((failures IS NULL) = (failure_at IS NULL)),
            CHECK ((failures IS NULL) = (next_attempt_at IS NULL)),
            CHECK (failures IS NOT NULL OR failure_exit IS NULL),
            FOREIGN KEY (root_id, file) REFERENCES manifest_file (root_id, path)
        ) STRICT;
        CREATE INDEX model_in_order ON model (domain, source, model);
        CREATE INDEX model_of_file ON model (root_id, file);

        CREATE TABLE instance (
            -- The order of launches.
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            key TEXT NOT NULL REFERENCES model (key) ON DELETE CASCADE,
            generation INTEGER NOT NULL CHECK (generation >= 1),
            replica INTEGER NOT NULL CHECK (replica >= 0),
            attempt INTEGER NOT NULL CHECK (attempt >= 0),
            phase TEXT NOT NULL CHECK (phase IN ('intent', 'gated', 'starting', 'ready', 'unready', 'draining',
                'stopping', 'exited', 'lost')),
            phase_since INTEGER NOT NULL,
            source TEXT NOT NULL CHECK (json_valid(source)),
            adopted INTEGER NOT NULL DEFAULT 0 CHECK (adopted IN (0, 1)),
            shim_boot_id TEXT,
            shim_pid INTEGER CHECK (shim_pid BETWEEN 1 AND 2147483647),
            shim_start_ticks INTEGER,
            shim_pid_namespace INTEGER,
            shim_pidfd_inode INTEGER,
            server_pid INTEGER CHECK (server_pid BETWEEN 1 AND 2147483647),
            server_start_ticks INTEGER,
            container_id TEXT,
            host TEXT NOT NULL,
            port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
            address TEXT,
            created_at INTEGER NOT NULL,
            started_at INTEGER,
            ready_at INTEGER,
            stop_cause TEXT,
            unknown_reason TEXT,
            exit_kind TEXT CHECK (exit_kind IN ('exited', 'signaled', 'not_executed', 'never_started', 'lost')),
            exit_code INTEGER CHECK ((exit_code IS NOT NULL) = (exit_kind IS 'exited')),
            exit_signal INTEGER CHECK ((exit_signal IS NOT NULL) = (exit_kind IS 'signaled')),
            exit_errno INTEGER CHECK ((exit_errno IS NOT NULL) = (exit_kind IS 'not_executed')),
            exit_at INTEGER CHECK ((exit_at IS NULL) = (exit_kind IS NULL)),
            exit_message TEXT CHECK ((exit_message IS NULL) = (exit_kind IS NULL)),
            -- The last lines of the log, as a JSON array.
            exit_log TEXT CHECK ((exit_log IS NULL) = (exit_kind IS NULL) AND (exit_log IS NULL OR json_valid(exit_log))),
            UNIQUE (id, key),
            UNIQUE (id, port),
            UNIQUE (key, generation, replica, attempt),
            CONSTRAINT identity_is_verified CHECK (
                phase IN ('intent', 'exited', 'lost') OR shim_pid IS NOT NULL OR container_id IS NOT NULL),
            CONSTRAINT shim_identity_is_whole CHECK (
                (shim_pid IS NULL) = (shim_boot_id IS NULL)
                AND (shim_pid IS NULL) = (shim_start_ticks IS NULL)
                AND (shim_pid IS NULL) = (shim_pid_namespace IS NULL)
                AND (shim_pid IS NOT NULL OR shim_pidfd_inode IS NULL)),
            CONSTRAINT server_identity_is_whole CHECK ((server_pid IS NULL) = (server_start_ticks IS NULL)),
            CONSTRAINT start_is_dated CHECK (
                phase NOT IN ('starting', 'ready', 'unready', 'draining') OR started_at IS NOT NULL),
            CONSTRAINT ready_is_proved CHECK (
                phase NOT IN ('ready', 'unready') OR (ready_at IS NOT NULL AND address IS NOT NULL)),
            CONSTRAINT end_is_explained CHECK ((phase IN ('exited', 'lost')) = (exit_kind IS NOT NULL)),
            CONSTRAINT lost_is_lost CHECK ((phase = 'lost') = (exit_kind IS 'lost'))
        ) STRICT;
        CREATE UNIQUE INDEX instance_is_the_only_current_one ON instance (key, generation, replica)
            WHERE phase IN ('intent', 'gated', 'starting', 'ready', 'unready');
        CREATE INDEX instance_of_model ON instance (key, seq);
        CREATE INDEX instance_live ON instance (seq) WHERE phase NOT IN ('exited', 'lost');

        CREATE TABLE port_lease (
            port INTEGER PRIMARY KEY,
            instance_id TEXT NOT NULL UNIQUE,
            FOREIGN KEY (instance_id, port) REFERENCES instance (id, port)
        ) STRICT;

        CREATE TABLE route (
            -- One instance serves a key.
            key TEXT PRIMARY KEY,
            instance_id TEXT NOT NULL UNIQUE,
            since INTEGER NOT NULL,
            FOREIGN KEY (instance_id, key) REFERENCES instance (id, key)
        ) STRICT;

        CREATE TABLE operation (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            key TEXT NOT NULL,
            -- Outlives the row of its instance.
            instance_id TEXT,
            kind TEXT NOT NULL CHECK (kind IN ('pull', 'start', 'adopt', 'switch', 'drain', 'stop', 'remove')),
            cause TEXT NOT NULL,
            opened_at INTEGER NOT NULL,
            closed_at INTEGER,
            outcome TEXT CHECK (outcome IN ('succeeded', 'failed')),
            message TEXT,
            CHECK ((closed_at IS NULL) = (outcome IS NULL))
        ) STRICT;
        CREATE UNIQUE INDEX operation_open ON operation (instance_id) WHERE closed_at IS NULL;

        CREATE TABLE event (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL,
            key TEXT,
            instance_id TEXT,
            kind TEXT NOT NULL,
            message TEXT NOT NULL
        ) STRICT;
        """
}
