/// What `sqlite3 modelet.db .dump` wrote of a state of the second schema: its controller was killed with one model ready, one
/// held after failures, and one of an image that it could not run.
let secondSchemaDump = #"""
    PRAGMA foreign_keys=OFF;
    BEGIN TRANSACTION;
    CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
    INSERT INTO grdb_migrations VALUES('1');
    INSERT INTO grdb_migrations VALUES('2');
    CREATE TABLE meta (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        uuid TEXT NOT NULL CHECK (length(uuid) = 36),
        epoch INTEGER NOT NULL CHECK (epoch >= 0),
        created_at INTEGER NOT NULL
    ) STRICT;
    INSERT INTO meta VALUES(1,'01a2069a-8d55-754d-a194-f4478675e934',1,1795407121749);
    CREATE TABLE root (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        path TEXT NOT NULL UNIQUE CHECK (substr(path, 1, 1) = '/'),
        registered_at INTEGER NOT NULL
    ) STRICT;
    INSERT INTO root VALUES(1,'/srv/manifests',1795407121922);
    CREATE TABLE revision (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        root_id INTEGER NOT NULL REFERENCES root (id),
        accepted_at INTEGER NOT NULL
    ) STRICT;
    INSERT INTO revision VALUES(1,1,1795407121922);
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
    INSERT INTO revision_model VALUES(1,'churn/scorer/broken','create',1,'{"endpoint":"/predict","load":"eager","source":{"path":"/srv/manifests/art","startup_command":"false ${PORT}","type":"local_artifact"}}','churn.yaml',12,'');
    INSERT INTO revision_model VALUES(1,'churn/scorer/default','create',1,'{"endpoint":"/predict","load":"eager","source":{"path":"/srv/manifests/art","startup_command":"python serve.py --port ${PORT}","type":"local_artifact"}}','churn.yaml',5,'');
    INSERT INTO revision_model VALUES(1,'churn/scorer/image','create',1,'{"endpoint":"/predict","source":{"container_port":80,"image":"python:3.12","type":"docker"}}','churn.yaml',19,'');
    CREATE TABLE manifest_file (
        root_id INTEGER NOT NULL REFERENCES root (id),
        path TEXT NOT NULL,
        revision INTEGER NOT NULL REFERENCES revision (number),
        PRIMARY KEY (root_id, path)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO manifest_file VALUES(1,'churn.yaml',1);
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
        waiting TEXT, load_count INTEGER NOT NULL DEFAULT 0 CHECK (load_count >= 0), usual_load_ms INTEGER CHECK (usual_load_ms >= 0), memory_bytes INTEGER CHECK (memory_bytes >= 0),
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
    INSERT INTO model VALUES('churn/scorer/broken','churn','scorer','broken','{"endpoint":"/predict","load":"eager","source":{"path":"/srv/manifests/art","startup_command":"false ${PORT}","type":"local_artifact"}}',1,1,'churn.yaml',12,1,0,NULL,NULL,1795407124393,'uid 0',3,'retryable','exited with code 1',1795407123433,'{"at":1795407123419,"kind":{"exited":{"code":1}},"logTail":[],"message":"exited with code 1"}',1795407125860,1795407123433,NULL,'exited with code 1',0,NULL,NULL);
    INSERT INTO model VALUES('churn/scorer/default','churn','scorer','default','{"endpoint":"/predict","load":"eager","source":{"path":"/srv/manifests/art","startup_command":"python serve.py --port ${PORT}","type":"local_artifact"}}',2,1,'churn.yaml',5,1,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,38,NULL,2,65,16269312);
    INSERT INTO model VALUES('churn/scorer/image','churn','scorer','image','{"endpoint":"/predict","source":{"container_port":80,"image":"python:3.12","type":"docker"}}',1,1,'churn.yaml',19,1,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL);
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
    INSERT INTO instance VALUES(1,'01a2069a-8e25-73af-aaa1-b54e15c405d2','churn/scorer/broken',1,0,0,'exited',1795407122063,'{"path":"/srv/manifests/art","startup_command":"false ${PORT}","type":"local_artifact"}',0,'d6f59f9b-5a1f-48e4-96d4-78ec2d33bb73',4413,2353146,4026531836,1239021,NULL,NULL,NULL,'localhost',27501,NULL,1795407121957,1795407121976,NULL,NULL,NULL,'exited',1,NULL,NULL,1795407122034,'exited with code 1','[]');
    INSERT INTO instance VALUES(2,'01a2069a-8e28-7d4d-9ab5-4b6fe598867d','churn/scorer/default',1,0,0,'exited',1795407122352,'{"path":"/srv/manifests/art","startup_command":"python serve.py --port ${PORT}","type":"local_artifact"}',0,'d6f59f9b-5a1f-48e4-96d4-78ec2d33bb73',4414,2353146,4026531836,1239022,4415,2353151,NULL,'localhost',27502,'127.0.0.1',1795407121960,1795407121987,1795407122060,'restart was requested',NULL,'signaled',NULL,15,NULL,1795407122347,'stopped','["listening on localhost:27502"]');
    INSERT INTO instance VALUES(3,'01a2069a-8ead-7177-99b9-7bf0ad235757','churn/scorer/broken',1,0,1,'exited',1795407122214,'{"path":"/srv/manifests/art","startup_command":"false ${PORT}","type":"local_artifact"}',0,'d6f59f9b-5a1f-48e4-96d4-78ec2d33bb73',4421,2353161,4026531836,1239029,NULL,NULL,NULL,'localhost',27503,NULL,1795407122094,1795407122137,NULL,NULL,NULL,'exited',1,NULL,NULL,1795407122154,'exited with code 1','[]');
    INSERT INTO instance VALUES(4,'01a2069a-8fb4-7f64-94f8-9eaa1ccdba42','churn/scorer/default',2,0,0,'ready',1795407122423,'{"path":"/srv/manifests/art","startup_command":"python serve.py --port ${PORT}","type":"local_artifact"}',0,'d6f59f9b-5a1f-48e4-96d4-78ec2d33bb73',4438,2353186,4026531836,1239046,4439,2353188,NULL,'localhost',27504,'127.0.0.1',1795407122356,1795407122385,1795407122423,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
    INSERT INTO instance VALUES(5,'01a2069a-93c0-7dbd-9e25-cb3f94379523','churn/scorer/broken',1,0,2,'exited',1795407123433,'{"path":"/srv/manifests/art","startup_command":"false ${PORT}","type":"local_artifact"}',0,'d6f59f9b-5a1f-48e4-96d4-78ec2d33bb73',4448,2353290,4026531836,1239056,NULL,NULL,NULL,'localhost',27505,NULL,1795407123392,1795407123414,NULL,NULL,NULL,'exited',1,NULL,NULL,1795407123419,'exited with code 1','[]');
    CREATE TABLE port_lease (
        port INTEGER PRIMARY KEY,
        instance_id TEXT NOT NULL UNIQUE,
        FOREIGN KEY (instance_id, port) REFERENCES instance (id, port)
    ) STRICT;
    INSERT INTO port_lease VALUES(27504,'01a2069a-8fb4-7f64-94f8-9eaa1ccdba42');
    CREATE TABLE route (
        -- One instance serves a key.
        key TEXT PRIMARY KEY,
        instance_id TEXT NOT NULL UNIQUE,
        since INTEGER NOT NULL,
        FOREIGN KEY (instance_id, key) REFERENCES instance (id, key)
    ) STRICT;
    INSERT INTO route VALUES('churn/scorer/default','01a2069a-8fb4-7f64-94f8-9eaa1ccdba42',1795407122433);
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
    INSERT INTO operation VALUES(1,'churn/scorer/broken','01a2069a-8e25-73af-aaa1-b54e15c405d2','start','load: eager',1795407121957,1795407122063,'failed','exited with code 1');
    INSERT INTO operation VALUES(2,'churn/scorer/default','01a2069a-8e28-7d4d-9ab5-4b6fe598867d','start','load: eager',1795407121960,1795407122060,'succeeded',NULL);
    INSERT INTO operation VALUES(3,'churn/scorer/default','01a2069a-8e28-7d4d-9ab5-4b6fe598867d','switch','instance is ready',1795407122067,1795407122067,'succeeded',NULL);
    INSERT INTO operation VALUES(4,'churn/scorer/broken','01a2069a-8ead-7177-99b9-7bf0ad235757','start','try 2 after: exited with code 1',1795407122094,1795407122214,'failed','exited with code 1');
    INSERT INTO operation VALUES(5,'churn/scorer/default','01a2069a-8e28-7d4d-9ab5-4b6fe598867d','drain','restart was requested',1795407122327,1795407122337,'succeeded',NULL);
    INSERT INTO operation VALUES(6,'churn/scorer/default','01a2069a-8e28-7d4d-9ab5-4b6fe598867d','stop','restart was requested',1795407122337,1795407122352,'succeeded','stopped');
    INSERT INTO operation VALUES(7,'churn/scorer/default','01a2069a-8fb4-7f64-94f8-9eaa1ccdba42','start','load: eager',1795407122356,1795407122423,'succeeded',NULL);
    INSERT INTO operation VALUES(8,'churn/scorer/default','01a2069a-8fb4-7f64-94f8-9eaa1ccdba42','switch','instance is ready',1795407122433,1795407122433,'succeeded',NULL);
    INSERT INTO operation VALUES(9,'churn/scorer/broken','01a2069a-93c0-7dbd-9e25-cb3f94379523','start','try 3 after: exited with code 1',1795407123392,1795407123433,'failed','exited with code 1');
    CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        key TEXT,
        instance_id TEXT,
        kind TEXT NOT NULL,
        message TEXT NOT NULL
    ) STRICT;
    INSERT INTO event VALUES(1,1795407121922,NULL,NULL,'root','manifests below /srv/manifests are followed');
    INSERT INTO event VALUES(2,1795407121922,'churn/scorer/broken',NULL,'accepted','revision 1: new');
    INSERT INTO event VALUES(3,1795407121922,'churn/scorer/default',NULL,'accepted','revision 1: new');
    INSERT INTO event VALUES(4,1795407121922,'churn/scorer/image',NULL,'accepted','revision 1: new');
    INSERT INTO event VALUES(5,1795407121957,'churn/scorer/broken','01a2069a-8e25-73af-aaa1-b54e15c405d2','intent','start on port 27501: load: eager');
    INSERT INTO event VALUES(6,1795407121960,'churn/scorer/default','01a2069a-8e28-7d4d-9ab5-4b6fe598867d','intent','start on port 27502: load: eager');
    INSERT INTO event VALUES(7,1795407121965,'churn/scorer/broken','01a2069a-8e25-73af-aaa1-b54e15c405d2','gated','shim has pid 4413');
    INSERT INTO event VALUES(8,1795407121969,'churn/scorer/default','01a2069a-8e28-7d4d-9ab5-4b6fe598867d','gated','shim has pid 4414');
    INSERT INTO event VALUES(9,1795407121976,'churn/scorer/broken','01a2069a-8e25-73af-aaa1-b54e15c405d2','starting','let go');
    INSERT INTO event VALUES(10,1795407121987,'churn/scorer/default','01a2069a-8e28-7d4d-9ab5-4b6fe598867d','starting','let go');
    INSERT INTO event VALUES(11,1795407122054,'churn/scorer/default','01a2069a-8e28-7d4d-9ab5-4b6fe598867d','server','server has pid 4415');
    INSERT INTO event VALUES(12,1795407122060,'churn/scorer/default','01a2069a-8e28-7d4d-9ab5-4b6fe598867d','ready','answers at 127.0.0.1, port 27502, after 73ms');
    INSERT INTO event VALUES(13,1795407122063,'churn/scorer/broken','01a2069a-8e25-73af-aaa1-b54e15c405d2','exited','exited with code 1');
    INSERT INTO event VALUES(14,1795407122067,'churn/scorer/default','01a2069a-8e28-7d4d-9ab5-4b6fe598867d','routed','predictions go to it');
    INSERT INTO event VALUES(15,1795407122094,'churn/scorer/broken','01a2069a-8ead-7177-99b9-7bf0ad235757','intent','start on port 27503: try 2 after: exited with code 1');
    INSERT INTO event VALUES(16,1795407122118,'churn/scorer/broken','01a2069a-8ead-7177-99b9-7bf0ad235757','gated','shim has pid 4421');
    INSERT INTO event VALUES(17,1795407122137,'churn/scorer/broken','01a2069a-8ead-7177-99b9-7bf0ad235757','starting','let go');
    INSERT INTO event VALUES(18,1795407122214,'churn/scorer/broken','01a2069a-8ead-7177-99b9-7bf0ad235757','exited','exited with code 1');
    INSERT INTO event VALUES(19,1795407122256,'churn/scorer/broken',NULL,'waiting','exited with code 1');
    INSERT INTO event VALUES(20,1795407122311,'churn/scorer/default',NULL,'restart','restart by uid 0: generation 2');
    INSERT INTO event VALUES(21,1795407122327,'churn/scorer/default','01a2069a-8e28-7d4d-9ab5-4b6fe598867d','draining','restart was requested');
    INSERT INTO event VALUES(22,1795407122337,'churn/scorer/default','01a2069a-8e28-7d4d-9ab5-4b6fe598867d','stopping','restart was requested');
    INSERT INTO event VALUES(23,1795407122352,'churn/scorer/default','01a2069a-8e28-7d4d-9ab5-4b6fe598867d','exited','stopped');
    INSERT INTO event VALUES(24,1795407122356,'churn/scorer/default','01a2069a-8fb4-7f64-94f8-9eaa1ccdba42','intent','start on port 27504: load: eager');
    INSERT INTO event VALUES(25,1795407122368,'churn/scorer/default','01a2069a-8fb4-7f64-94f8-9eaa1ccdba42','gated','shim has pid 4438');
    INSERT INTO event VALUES(26,1795407122385,'churn/scorer/default','01a2069a-8fb4-7f64-94f8-9eaa1ccdba42','starting','let go');
    INSERT INTO event VALUES(27,1795407122412,'churn/scorer/default','01a2069a-8fb4-7f64-94f8-9eaa1ccdba42','server','server has pid 4439');
    INSERT INTO event VALUES(28,1795407122423,'churn/scorer/default','01a2069a-8fb4-7f64-94f8-9eaa1ccdba42','ready','answers at 127.0.0.1, port 27504, after 38ms');
    INSERT INTO event VALUES(29,1795407122433,'churn/scorer/default','01a2069a-8fb4-7f64-94f8-9eaa1ccdba42','routed','predictions go to it');
    INSERT INTO event VALUES(30,1795407123392,'churn/scorer/broken','01a2069a-93c0-7dbd-9e25-cb3f94379523','intent','start on port 27505: try 3 after: exited with code 1');
    INSERT INTO event VALUES(31,1795407123395,'churn/scorer/broken',NULL,'waiting','waits no longer');
    INSERT INTO event VALUES(32,1795407123408,'churn/scorer/broken','01a2069a-93c0-7dbd-9e25-cb3f94379523','gated','shim has pid 4448');
    INSERT INTO event VALUES(33,1795407123414,'churn/scorer/broken','01a2069a-93c0-7dbd-9e25-cb3f94379523','starting','let go');
    INSERT INTO event VALUES(34,1795407123433,'churn/scorer/broken','01a2069a-93c0-7dbd-9e25-cb3f94379523','exited','exited with code 1');
    INSERT INTO event VALUES(35,1795407123438,'churn/scorer/broken',NULL,'waiting','exited with code 1');
    INSERT INTO event VALUES(36,1795407124393,'churn/scorer/broken',NULL,'held','unloaded by uid 0 until `modelet load`');
    DELETE FROM sqlite_sequence;
    INSERT INTO sqlite_sequence VALUES('root',1);
    INSERT INTO sqlite_sequence VALUES('event',36);
    INSERT INTO sqlite_sequence VALUES('revision',1);
    INSERT INTO sqlite_sequence VALUES('instance',5);
    INSERT INTO sqlite_sequence VALUES('operation',9);
    CREATE INDEX revision_of_root ON revision (root_id, number);
    CREATE INDEX revision_model_of_key ON revision_model (key, revision);
    CREATE INDEX model_in_order ON model (domain, source, model);
    CREATE INDEX model_of_file ON model (root_id, file);
    CREATE UNIQUE INDEX instance_is_the_only_current_one ON instance (key, generation, replica)
        WHERE phase IN ('intent', 'gated', 'starting', 'ready', 'unready');
    CREATE INDEX instance_of_model ON instance (key, seq);
    CREATE INDEX instance_live ON instance (seq) WHERE phase NOT IN ('exited', 'lost');
    CREATE UNIQUE INDEX operation_open ON operation (instance_id) WHERE closed_at IS NULL;
    CREATE TRIGGER meta_epoch_only_grows BEFORE UPDATE OF epoch ON meta
    WHEN NEW.epoch <= OLD.epoch
    BEGIN SELECT RAISE(ABORT, 'the epoch only grows'); END;
    CREATE TRIGGER meta_is_kept BEFORE DELETE ON meta
    BEGIN SELECT RAISE(ABORT, 'the name and the epoch of the state are kept'); END;
    CREATE TRIGGER meta_is_single BEFORE INSERT ON meta
    WHEN EXISTS (SELECT 1 FROM meta)
    BEGIN SELECT RAISE(ABORT, 'the state has a name and an epoch already'); END;
    CREATE TRIGGER model_generation_only_grows BEFORE UPDATE OF generation ON model
    WHEN NEW.generation < OLD.generation
    BEGIN SELECT RAISE(ABORT, 'the generation of a model only grows'); END;
    CREATE TRIGGER model_is_not_replaced BEFORE INSERT ON model
    WHEN EXISTS (SELECT 1 FROM model WHERE key = NEW.key)
    BEGIN SELECT RAISE(ABORT, 'the model exists'); END;
    CREATE TRIGGER instance_begins_as_intent BEFORE INSERT ON instance
    WHEN NEW.phase <> 'intent'
    BEGIN SELECT RAISE(ABORT, 'an instance begins as intent'); END;
    CREATE TRIGGER instance_id_is_never_reused BEFORE INSERT ON instance
    WHEN EXISTS (SELECT 1 FROM instance WHERE id = NEW.id OR seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'the id of an instance is never reused'); END;
    CREATE TRIGGER instance_has_no_twin BEFORE INSERT ON instance
    WHEN EXISTS (
        SELECT 1 FROM instance
        WHERE key = NEW.key AND generation = NEW.generation AND replica = NEW.replica
            AND phase IN ('intent', 'gated', 'starting', 'ready', 'unready'))
    BEGIN SELECT RAISE(ABORT, 'the generation has a current instance already'); END;
    CREATE TRIGGER instance_attempt_is_new BEFORE INSERT ON instance
    WHEN EXISTS (
        SELECT 1 FROM instance
        WHERE key = NEW.key AND generation = NEW.generation AND replica = NEW.replica AND attempt = NEW.attempt)
    BEGIN SELECT RAISE(ABORT, 'the attempt has been made already'); END;
    CREATE TRIGGER instance_is_fixed
    BEFORE UPDATE OF seq, id, key, generation, replica, attempt, source, host, port, created_at ON instance
    WHEN NEW.seq <> OLD.seq OR NEW.id <> OLD.id OR NEW.key <> OLD.key OR NEW.generation <> OLD.generation
        OR NEW.replica <> OLD.replica OR NEW.attempt <> OLD.attempt OR NEW.source <> OLD.source
        OR NEW.host <> OLD.host OR NEW.port <> OLD.port OR NEW.created_at <> OLD.created_at
    BEGIN SELECT RAISE(ABORT, 'what an instance was launched as never changes'); END;
    CREATE TRIGGER instance_identity_is_fixed
    BEFORE UPDATE OF shim_boot_id, shim_pid, shim_start_ticks, shim_pid_namespace, shim_pidfd_inode, container_id
    ON instance
    WHEN (OLD.shim_pid IS NOT NULL AND (NEW.shim_pid IS NOT OLD.shim_pid
            OR NEW.shim_boot_id IS NOT OLD.shim_boot_id OR NEW.shim_start_ticks IS NOT OLD.shim_start_ticks
            OR NEW.shim_pid_namespace IS NOT OLD.shim_pid_namespace
            OR NEW.shim_pidfd_inode IS NOT OLD.shim_pidfd_inode))
        OR (OLD.container_id IS NOT NULL AND NEW.container_id IS NOT OLD.container_id)
    BEGIN SELECT RAISE(ABORT, 'the identity of an instance never changes'); END;
    CREATE TRIGGER instance_phase_follows_the_arrows BEFORE UPDATE OF phase ON instance
    WHEN NEW.phase <> OLD.phase AND OLD.phase || ' → ' || NEW.phase NOT IN (
        'intent → gated', 'intent → exited', 'intent → lost',
        'gated → starting', 'gated → stopping', 'gated → exited', 'gated → lost',
        'starting → ready', 'starting → stopping', 'starting → exited', 'starting → lost',
        'ready → unready', 'ready → draining', 'ready → stopping', 'ready → exited', 'ready → lost',
        'unready → ready', 'unready → draining', 'unready → stopping', 'unready → exited', 'unready → lost',
        'draining → stopping', 'draining → exited', 'draining → lost',
        'stopping → exited', 'stopping → lost')
    BEGIN SELECT RAISE(ABORT, 'the phase of an instance moves only forward'); END;
    CREATE TRIGGER instance_holds_its_port BEFORE UPDATE OF phase ON instance
    WHEN OLD.phase = 'intent' AND NEW.phase = 'gated'
        AND NOT EXISTS (SELECT 1 FROM port_lease WHERE instance_id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'an instance without a port lease is not launched'); END;
    CREATE TRIGGER instance_leaves_its_route_first BEFORE UPDATE OF phase ON instance
    WHEN NEW.phase NOT IN ('ready', 'unready') AND EXISTS (SELECT 1 FROM route WHERE instance_id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'predictions are still routed to the instance'); END;
    CREATE TRIGGER instance_closes_its_operation_first BEFORE UPDATE OF phase ON instance
    WHEN NEW.phase IN ('exited', 'lost')
        AND EXISTS (SELECT 1 FROM operation WHERE instance_id = NEW.id AND closed_at IS NULL)
    BEGIN SELECT RAISE(ABORT, 'an operation of the instance is still open'); END;
    CREATE TRIGGER instance_gives_back_its_port AFTER UPDATE OF phase ON instance
    WHEN NEW.phase IN ('exited', 'lost')
    BEGIN DELETE FROM port_lease WHERE instance_id = NEW.id; END;
    CREATE TRIGGER instance_live_is_kept BEFORE DELETE ON instance
    WHEN OLD.phase NOT IN ('exited', 'lost')
    BEGIN SELECT RAISE(ABORT, 'something of the instance may still run'); END;
    CREATE TRIGGER port_lease_is_free BEFORE INSERT ON port_lease
    WHEN EXISTS (SELECT 1 FROM port_lease WHERE port = NEW.port OR instance_id = NEW.instance_id)
    BEGIN SELECT RAISE(ABORT, 'the port is leased already'); END;
    CREATE TRIGGER port_lease_is_of_a_live_instance BEFORE INSERT ON port_lease
    WHEN EXISTS (SELECT 1 FROM instance WHERE id = NEW.instance_id AND phase IN ('exited', 'lost'))
    BEGIN SELECT RAISE(ABORT, 'an instance that has ended leases no port'); END;
    CREATE TRIGGER port_lease_is_fixed BEFORE UPDATE ON port_lease
    BEGIN SELECT RAISE(ABORT, 'a port lease never changes'); END;
    CREATE TRIGGER port_lease_lasts BEFORE DELETE ON port_lease
    WHEN EXISTS (SELECT 1 FROM instance WHERE id = OLD.instance_id AND phase NOT IN ('exited', 'lost'))
    BEGIN SELECT RAISE(ABORT, 'a live instance keeps its port'); END;
    CREATE TRIGGER route_is_to_a_ready_instance BEFORE INSERT ON route
    WHEN NOT EXISTS (SELECT 1 FROM instance WHERE id = NEW.instance_id AND phase = 'ready')
    BEGIN SELECT RAISE(ABORT, 'only a ready instance may be routed'); END;
    CREATE TRIGGER route_is_single BEFORE INSERT ON route
    WHEN EXISTS (SELECT 1 FROM route WHERE key = NEW.key OR instance_id = NEW.instance_id)
    BEGIN SELECT RAISE(ABORT, 'the model is routed already'); END;
    CREATE TRIGGER route_is_fixed BEFORE UPDATE ON route
    BEGIN SELECT RAISE(ABORT, 'a route is removed and made anew'); END;
    CREATE TRIGGER operation_is_of_a_live_instance BEFORE INSERT ON operation
    WHEN NEW.closed_at IS NULL AND NEW.instance_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM instance WHERE id = NEW.instance_id AND phase NOT IN ('exited', 'lost'))
    BEGIN SELECT RAISE(ABORT, 'nothing is done about an instance that has ended'); END;
    CREATE TRIGGER operation_is_the_only_open_one BEFORE INSERT ON operation
    WHEN NEW.closed_at IS NULL
        AND EXISTS (SELECT 1 FROM operation WHERE instance_id = NEW.instance_id AND closed_at IS NULL)
    BEGIN SELECT RAISE(ABORT, 'an operation of the instance is still open'); END;
    CREATE TRIGGER operation_is_not_reopened BEFORE UPDATE ON operation
    WHEN OLD.closed_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a closed operation never changes'); END;
    CREATE TRIGGER operation_open_is_kept BEFORE DELETE ON operation
    WHEN OLD.closed_at IS NULL
    BEGIN SELECT RAISE(ABORT, 'an open operation is kept'); END;
    CREATE VIEW instances AS
    SELECT
        i.id, i.key, m.domain, m.source, m.model, i.generation, i.replica, i.attempt,
        i.phase,
        strftime('%Y-%m-%dT%H:%M:%S', i.phase_since / 1000, 'unixepoch') || printf('.%03dZ', i.phase_since % 1000) AS phase_since,
        i.server_pid AS pid, i.shim_pid, i.container_id,
        i.host, i.port, i.address,
        r.instance_id IS NOT NULL AS routed,
        i.adopted,
        strftime('%Y-%m-%dT%H:%M:%S', i.created_at / 1000, 'unixepoch') || printf('.%03dZ', i.created_at % 1000) AS created_at,
        strftime('%Y-%m-%dT%H:%M:%S', i.started_at / 1000, 'unixepoch') || printf('.%03dZ', i.started_at % 1000) AS started_at,
        strftime('%Y-%m-%dT%H:%M:%S', i.ready_at / 1000, 'unixepoch') || printf('.%03dZ', i.ready_at % 1000) AS ready_at,
        i.stop_cause, i.unknown_reason,
        strftime('%Y-%m-%dT%H:%M:%S', i.exit_at / 1000, 'unixepoch') || printf('.%03dZ', i.exit_at % 1000) AS exited_at,
        i.exit_code, i.exit_signal, i.exit_message
    FROM instance i
    JOIN model m ON m.key = i.key
    LEFT JOIN route r ON r.instance_id = i.id
    ORDER BY i.seq;
    CREATE VIEW operations AS
    SELECT
        id, key, instance_id AS instance, kind, cause,
        strftime('%Y-%m-%dT%H:%M:%S', opened_at / 1000, 'unixepoch') || printf('.%03dZ', opened_at % 1000) AS opened_at,
        strftime('%Y-%m-%dT%H:%M:%S', closed_at / 1000, 'unixepoch') || printf('.%03dZ', closed_at % 1000) AS closed_at,
        coalesce(outcome, 'open') AS outcome, message
    FROM operation
    ORDER BY id;
    CREATE VIEW events AS
    SELECT id, strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') || printf('.%03dZ', at % 1000) AS at, key, instance_id AS instance, kind, message
    FROM event
    ORDER BY id;
    CREATE VIEW routes AS
    SELECT
        r.key, m.domain, m.source, m.model, r.instance_id AS instance, i.address, i.port,
        strftime('%Y-%m-%dT%H:%M:%S', r.since / 1000, 'unixepoch') || printf('.%03dZ', r.since % 1000) AS since
    FROM route r
    JOIN instance i ON i.id = r.instance_id
    JOIN model m ON m.key = r.key
    ORDER BY m.domain, m.source, m.model;
    CREATE TRIGGER model_load_times_are_whole
    BEFORE UPDATE OF load_count, last_load_ms, usual_load_ms ON model
    WHEN (NEW.load_count = 0) <> (NEW.last_load_ms IS NULL) OR (NEW.load_count = 0) <> (NEW.usual_load_ms IS NULL)
    BEGIN SELECT RAISE(ABORT, 'load times are known for as many loads as are counted'); END;
    CREATE TRIGGER model_loads_are_only_added BEFORE UPDATE OF load_count ON model
    WHEN NEW.load_count < OLD.load_count
    BEGIN SELECT RAISE(ABORT, 'loads are only added'); END;
    CREATE VIEW models AS
    SELECT
        m.key, m.domain, m.source, m.model,
        CASE
            WHEN u.id IS NOT NULL THEN 'unknown'
            WHEN i.phase IN ('intent', 'gated', 'starting') THEN 'starting'
            WHEN i.phase = 'unready' THEN 'unhealthy'
            WHEN i.phase IS NOT NULL THEN i.phase
            WHEN m.spec ->> '$.source' IS NULL THEN 'remote'
            WHEN m.hold_since IS NOT NULL THEN 'held'
            WHEN m.next_attempt_at > CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
                THEN CASE m.failure_class WHEN 'terminal' THEN 'failed' ELSE 'backoff' END
            WHEN m.is_removed THEN 'standby'
            WHEN m.spec ->> '$.load' = 'eager' THEN 'pending'
            WHEN m.demand_since > coalesce(m.last_exit_at, m.demand_since - 1) THEN 'pending'
            ELSE 'standby'
        END AS state,
        CASE
            WHEN u.id IS NOT NULL THEN u.unknown_reason
            WHEN i.phase IN ('intent', 'gated', 'starting') THEN m.waiting
            WHEN i.phase = 'ready' THEN NULL
            WHEN i.phase = 'unready' THEN coalesce(m.waiting, 'readiness probe fails')
            WHEN i.phase IS NOT NULL THEN i.stop_cause
            WHEN m.spec ->> '$.source' IS NULL THEN NULL
            WHEN m.hold_since IS NOT NULL THEN 'unloaded by ' || m.hold_by || '; `modelet load` lifts it'
            WHEN m.next_attempt_at > CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) THEN m.failure_message
            WHEN NOT m.is_removed AND (m.spec ->> '$.load' = 'eager'
                OR m.demand_since > coalesce(m.last_exit_at, m.demand_since - 1)) THEN m.waiting
            ELSE 'last load failed: ' || m.failure_message
        END AS reason,
        coalesce(m.spec ->> '$.source.type', 'http') AS type,
        coalesce(m.spec ->> '$.load', 'on_demand') AS load,
        m.generation,
        i.id AS instance,
        i.server_pid AS pid,
        i.host, i.port, i.address, i.container_id,
        strftime('%Y-%m-%dT%H:%M:%S', m.demand_since / 1000, 'unixepoch') || printf('.%03dZ', m.demand_since % 1000) AS demanded_since, m.demand_by AS demanded_by,
        strftime('%Y-%m-%dT%H:%M:%S', m.hold_since / 1000, 'unixepoch') || printf('.%03dZ', m.hold_since % 1000) AS held_since, m.hold_by AS held_by,
        m.failures, m.failure_class, m.failure_message,
        strftime('%Y-%m-%dT%H:%M:%S', m.failure_at / 1000, 'unixepoch') || printf('.%03dZ', m.failure_at % 1000) AS failure_at,
        strftime('%Y-%m-%dT%H:%M:%S', m.next_attempt_at / 1000, 'unixepoch') || printf('.%03dZ', m.next_attempt_at % 1000) AS next_attempt_at,
        strftime('%Y-%m-%dT%H:%M:%S', m.last_exit_at / 1000, 'unixepoch') || printf('.%03dZ', m.last_exit_at % 1000) AS last_exit_at,
        m.load_count AS loads,
        m.last_load_ms / 1000.0 AS last_load_seconds,
        m.usual_load_ms / 1000.0 AS usual_load_seconds,
        m.memory_bytes,
        r.path AS root, m.file, m.line, m.revision,
        m.is_removed AS removed
    FROM model m
    JOIN root r ON r.id = m.root_id
    LEFT JOIN instance u ON u.seq = (
        SELECT seq FROM instance
        WHERE key = m.key AND unknown_reason IS NOT NULL AND phase NOT IN ('exited', 'lost')
        ORDER BY seq LIMIT 1)
    LEFT JOIN instance i ON i.seq = (
        SELECT seq FROM instance
        WHERE key = m.key AND phase NOT IN ('exited', 'lost')
        ORDER BY phase IN ('draining', 'stopping'), seq LIMIT 1)
    ORDER BY m.domain, m.source, m.model;
    COMMIT;
    """#
