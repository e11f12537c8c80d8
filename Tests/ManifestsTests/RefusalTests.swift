@testable import Manifests
import ModelCore
import Testing

/// Every mistake in the text of a manifest: where it is said to be, and what is said of it.
@Suite struct RefusalTests {
    @Test(
        arguments: [
            // Model fields begin on line 7, at column 11.
            ("endpont: /p", "7:11: model `m`: unknown key `endpont`", "did you mean `endpoint`?"),
            (
                "startup_delay: 5", "7:11: model `m`: unknown key `startup_delay`",
                "`startup_delay` belongs in the `source` of a model"
            ),
            ("timeOut: 5", "7:11: model `m`: unknown key `timeOut`", "did you mean `timeout`?"),
            ("endpoint: predict", "7:21: `endpoint`: `predict` does not begin with `/`", "write `/predict`"),
            (
                "endpoint: \"/p\\r\\nX: y\"",
                "7:21: `endpoint`: `/p\u{FFFD}\u{FFFD}X: y` has a character that must be percent-encoded in a path", nil
            ),
            ("endpoint: 5", "7:21: `endpoint`: expected text, found the number `5`", "put it in quotes: \"5\""),
            ("endpoint: [a]", "7:21: `endpoint`: expected text, found a list", nil),
            ("endpoint:", "7:20: `endpoint`: expected text, found nothing", #"write "" if the text shall be empty"#),
            ("load: lazy", "7:17: `load`: expected on_demand or eager, found the text `lazy`", nil),
            (
                "load: egaer", "7:17: `load`: expected on_demand or eager, found the text `egaer`",
                "did you mean `eager`?"
            ),
            (
                "pinned: yes", "7:19: `pinned`: expected true or false, found the text `yes`",
                "write true, without quotes"
            ),
            ("pinned: False", "7:19: `pinned`: expected true or false, found the boolean `False`", "write false"),
            ("pinned: 1", "7:19: `pinned`: expected true or false, found the number `1`", nil),
            (
                "max_concurrency: 0",
                "7:28: `max_concurrency`: expected a whole number from 1 to 1000000, found the number `0`",
                "or write unlimited"
            ),
            (
                "max_queue: 1.5",
                "7:22: `max_queue`: expected a whole number from 0 to 1000000, found the number `1.5`", nil
            ),
            (
                "max_queue: 010",
                "7:22: `max_queue`: expected a whole number from 0 to 1000000, found the number `010`",
                "without the zero at its front, which some readers of YAML take for octal"
            ),
            (
                "max_queue: '5'", "7:22: `max_queue`: expected a whole number from 0 to 1000000, found the text `5`",
                "leave the quotes out"
            ),
            ("timeout: -3", "7:20: `timeout`: must not be negative, found `-3`", nil),
            (
                "idle_timeout: nevr",
                "7:25: `idle_timeout`: expected a number of seconds, or a text such as 30s or 1m30s, found the text `nevr`",
                "units: h, m, s, ms"
            ),
            (
                "readiness: http", "7:22: `readiness`: expected none, tcp or a mapping, found the text `http`",
                "write {path: /health}, with the path of your server"
            ),
            ("readiness: {tcp: true, path: /x}", "7:34: `path` is about HTTP, and this probe is a TCP connection", nil),
            (
                "readiness: {status: 99}",
                "7:31: `status`: expected a status such as 200, or a range of them such as 200-399, found the number `99`",
                nil
            ),
            ("readiness: {staus: 200}", "7:23: `readiness`: unknown key `staus`", "did you mean `status`?"),
            ("liveness: tcp", "7:21: `liveness`: expected a mapping, found the text `tcp`", nil),
            ("headers: [a]", "7:20: `headers`: expected a mapping of header names to values, found a list", nil),
            ("headers: {\"X\\r\\nY\": z}", "7:21: `headers`: `X\u{FFFD}\u{FFFD}Y` is not the name of a header", nil),
            (
                "headers: {X: \"a\\r\\nHost: b\"}",
                "7:24: `headers`: `X` has a value with a line break, or with another character that no header may hold",
                nil
            ),
            (
                "headers: {X: true}", "7:24: `headers`: `X` expected text, found the boolean `true`",
                "put it in quotes: \"true\""
            ),
            (
                "headers: {content-length: 5}",
                "7:21: `headers`: `content-length` cannot be set: it belongs to the connection, not to the request", nil
            ),
            ("headers: {X: a, x: b}", "7:27: `headers`: `x` is given twice, in another spelling", nil),
            (
                "timeout: 1\ntimeout: 2", "8:11: the key `timeout` is given twice, on line 7 and on line 8",
                "remove one of them"
            ),
            ("timeout: !!int 3\nload: !env X", "8:17: the tag `!env` is not supported here", "leave the tag out"),
            ("timeout: *nowhere", "7:20: nothing above has the anchor `&nowhere`", nil),
            ("timeout: &a [*a]", "7:24: the alias `*a` stands for a value that contains it", nil),
            ("? [a]\n: b", "7:13: a key must be text, found a list", nil),
            ("endpoint: \"/\\0\"", "7:21: the text contains a NUL character", nil),
        ] as [(String, String, String?)])
    func refusesModelFields(lines: String, error: String, hint: String?) throws {
        let set = try load(manifest(model: lines))
        #expect(set.errors.contains(error), "\(set.errors)")
        #expect(set.brokenFiles == ["churn.yaml"])
        #expect(set.models.isEmpty)
        let diagnostic = try #require(set.diagnostics.first { "\($0.line):\($0.column): \($0.message)" == error })
        if let hint { #expect(diagnostic.hint == hint) }
        #expect(diagnostic.file == "churn.yaml")
        #expect(diagnostic.excerpt != nil)
    }

    private static let local = "type: local_artifact\npath: .\n"
    private static let docker = "type: docker\nimage: i\ncontainer_port: 80\n"

    @Test(
        arguments: [
            // Source fields begin on line 7, at column 13.
            ("typ: docker", "7:13: `source`: `type` is missing"),
            ("type: dokcer", "7:19: `type`: expected one of local_artifact, docker, ecr, found the text `dokcer`"),
            ("type: local_artifact", "7:13: `source`: `path` is missing"),
            ("type: local_artifact", "7:13: `source`: `startup_command` is missing"),
            ("type: docker", "7:13: `source`: `image` is missing"),
            ("type: docker", "7:13: `source`: `container_port` is missing"),
            ("type: ecr", "7:13: `source`: `repository` is missing"),
            (
                local + "startup_command: a; b",
                "9:31: `startup_command`: `;` is for a shell, and the command runs without one"
            ),
            (
                local + "startup_command: 'a ''b'' ; c'",
                "9:39: `startup_command`: `;` is for a shell, and the command runs without one"
            ),
            (
                local + #"startup_command: "a \"b\" \u0041 | c""#,
                "9:46: `startup_command`: `|` is for a shell, and the command runs without one"
            ),
            (
                local + "startup_command: a $(b) ${PORT}",
                "9:32: `startup_command`: `$(…)` would run a command, and no shell is involved here"
            ),
            (
                local + "startup_command: a `b`",
                "9:32: `startup_command`: backticks would run a command, and no shell is involved here"
            ),
            (local + "startup_command: a $PORT", "9:32: `startup_command`: a variable is written with braces"),
            (local + "startup_command: a ${PROT}", "9:32: `startup_command`: nothing declares `PROT`"),
            (
                local + "startup_command: |\n  a\n  b",
                "9:30: `startup_command`: a line break would begin a second command, and only one program is started"
            ),
            (local + "startup_command: 5", "9:30: `startup_command`: expected text, found the number `5`"),
            (
                local + "startup_command: a\nport: 65536",
                "10:19: `port`: expected a whole number from 1 to 65535, found the number `65536`"
            ),
            (
                local + "startup_command: a\nport: 0",
                "10:19: `port`: expected a whole number from 1 to 65535, found the number `0`"
            ),
            (
                local + "startup_command: a\nport: -1",
                "10:19: `port`: expected a whole number from 1 to 65535, found the number `-1`"
            ),
            (local + "startup_command: a\nhost: 'a b'", "10:19: `host`: `a b` is not valid"),
            (local + "startup_command: a\nimage: x", "10:13: `source`: unknown key `image`"),
            (
                local + "startup_command: a\nstartup_delay: -1s",
                "10:28: `startup_delay`: expected a number of seconds, or a text such as 30s or 1m30s, found the text `-1s`"
            ),
            (local + "startup_command: a\nuser: 'x;y'", "10:19: `user`: `x;y` is not a user"),
            (
                local + "startup_command: a\ninherit_environment: some",
                "10:34: `inherit_environment`: expected true, false or a list of names, found the text `some`"
            ),
            (
                local + "startup_command: a\nenvironment: [A=b]",
                "10:26: `environment`: expected a mapping of names to values, found a list"
            ),
            (
                local + "startup_command: a\nenvironment: {A: true}",
                "10:30: `environment`: `A`: a bare boolean means different text to different tools"
            ),
            (local + "startup_command: a\nenvironment: {A: }", "10:30: `environment`: `A`: has no value"),
            (
                local + "startup_command: a\nenvironment: {A-B: c}",
                "10:27: `environment`: `A-B`: is not the name of a variable"
            ),
            (
                local + "startup_command: a\nenvironment: {MODELET_INSTANCE: c}",
                "10:27: `environment`: `MODELET_INSTANCE`: names that begin with MODELET_ belong to modelet"
            ),
            (
                local + "startup_command: a\nenvironment: {A: 'pa$word'}",
                "10:33: `environment`: `A`: a variable is written with braces"
            ),
            (
                local + "startup_command: a\nenvironment: {A: 'x${B}'}",
                "10:32: `environment`: `A`: `${B}` is not provided to values"
            ),
            (
                local + "startup_command: a\nenvironment: {A: '${env:B-C}'}",
                "10:31: `environment`: `A`: what stands between `${` and `}` cannot be referred to"
            ),
            ("type: local_artifact\npath: ~/m\nstartup_command: a", "8:19: `path`: `~` is not expanded"),
            ("type: local_artifact\npath: ''\nstartup_command: a", "8:19: `path`: must not be empty"),
            (
                "type: docker\nimage: --privileged\ncontainer_port: 80",
                "8:20: `image`: `--privileged` is not the name of an image: the repository is malformed"
            ),
            (
                "type: docker\nimage: r.io/x@sha256:0\ncontainer_port: 80",
                "8:20: `image`: `r.io/x@sha256:0` is not the name of an image: the digest is malformed"
            ),
            (
                "type: docker\nimage: 'Model:1'\ncontainer_port: 80",
                "8:20: `image`: `Model:1` is not the name of an image: a repository has no capital letters"
            ),
            (
                "type: ecr\nrepository: r\ncontainer_port: 1\nregistry: https://r.io",
                "10:23: `registry`: `https://r.io` is not a host"
            ),
            (
                "type: docker\nimage: 'a b'\ncontainer_port: 80",
                "8:20: `image`: `a b` is not the name of an image: the repository is malformed"
            ),
            (docker + "pull: sometimes", "10:19: `pull`: expected true, false or always, found the text `sometimes`"),
            (
                docker + "volumes: ['./a:/b']",
                "10:22: `volumes`: expected a mapping of host paths to container paths, found a list"
            ),
            (docker + "volumes: {models: /m}", "10:23: `volumes`: `models` is not a path"),
            (
                docker + "volumes: {./m: m}",
                "10:28: `volumes`: `./m` is to be mounted at `m`, which is not an absolute path"
            ),
            (
                docker + "volumes: {./m: '/m:z'}",
                "10:28: `volumes`: `./m` has an option that is neither `ro` nor `rw`: `/m:z`"
            ),
            (docker + "volumes: {./m: /m, m/../m: /n}", "10:32: `volumes`: `m/../m` is not a path"),
            (docker + "volumes: {./m: /m, ./m/: /n}", "10:32: `volumes`: `./m/` is mounted twice"),
            (
                docker + "volumes: {./m: /m, ./n: '/m:ro'}",
                "10:37: `volumes`: `./n` is to be mounted at `/m`, as another volume is"
            ),
            (
                docker + "volumes: {/var/run/docker.sock: /d}",
                "10:23: `volumes`: `/var/run/docker.sock` is the socket of a container engine: whoever has it is root on "
                    + "this host"
            ),
            (
                docker + "docker_socket: false\nvolumes: {/run/../run/user/1/: /d}",
                "11:23: `volumes`: `/run/../run/user/1/` holds /run/user/*/docker.sock, the socket of a container engine: "
                    + "whoever has it is root on this host"
            ),
            (
                docker + "volumes: {/: /host}",
                "10:23: `volumes`: `/` holds /run/docker.sock, the socket of a container engine: whoever has it is root on this host"
            ),
            (
                docker + "docker_socket: /run/docker.sock",
                "10:28: `docker_socket`: expected true or false, found the text `/run/docker.sock`"
            ),
            (docker + "privileged: 'true'", "10:25: `privileged`: expected true or false, found the text `true`"),
            (docker + "new_privileges: 1", "10:29: `new_privileges`: expected true or false, found the number `1`"),
            (docker + "init: tini", "10:19: `init`: expected true or false, found the text `tini`"),
            (
                docker + "pids_limit: 0",
                "10:25: `pids_limit`: expected a whole number from 1 to 4194304, found the number `0`"
            ),
            (
                docker + "pids_limit: none",
                "10:25: `pids_limit`: expected a whole number from 1 to 4194304, found the text `none`"
            ),
            (docker + "pid_limit: 10", "10:13: `source`: unknown key `pid_limit`"),
            (docker + "capabilities: {add: [NICE]}", "10:34: `add`: `NICE` is no capability"),
            (docker + "capabilities: {add: [CHOWN, cap_chown]}", "10:41: `add`: `cap_chown` is given twice"),
            (
                docker + "gpus: device=",
                "10:19: `gpus`: expected all, a number of GPUs, or device=0,1, found the text `device=`"
            ),
            (docker + "gpus: 0", "10:19: `gpus`: expected all, a number of GPUs, or device=0,1, found the number `0`"),
            (
                docker + "environment: {A: '${MODEL_PATH}'}",
                "10:31: `environment`: `A`: `${MODEL_PATH}` is not provided to values"
            ),
            (
                docker + "command: serve ${PORT}",
                "10:28: `command`: nothing is substituted in the command of a container"
            ),
            (docker + "cpus: 0", "10:19: `cpus`: expected a number of CPUs, such as 2 or 0.5, found the number `0`"),
            (docker + "memory: 1MB", "10:21: `memory`: must be at least 6291456 bytes"),
            (docker + "capabilities: [SYS_NICE]", "10:27: `capabilities`: expected a mapping, found a list"),
            (docker + "capabilities: {drop: [ALL]}", "10:28: `capabilities`: unknown key `drop`"),
            (
                docker + "host_port: http",
                "10:24: `host_port`: expected a whole number from 1 to 65535, found the text `http`"
            ),
            ("type: ecr\nrepository: R\ncontainer_port: 1", "8:25: `repository`: `R` is not the name of a repository"),
            (
                "type: ecr\nrepository: r\ncontainer_port: 1\ntag: 1.10",
                "10:18: `tag`: expected text, found the number `1.10`"
            ),
            (
                "type: ecr\nrepository: r\ncontainer_port: 1\ntag: a\ndigest: sha256:1",
                "11:13: `tag` and `digest` are both given"
            ),
            (
                "type: ecr\nrepository: r\ncontainer_port: 1\ntag: a\ndigest: sha256:1",
                "11:21: `digest`: `sha256:1` is not a digest"
            ),
        ] as [(String, String)])
    func refusesSourceFields(lines: String, error: String) throws {
        let set = try load(manifest(source: lines))
        #expect(set.errors.contains(error), "\(set.errors)")
        #expect(set.brokenFiles == ["churn.yaml"])
    }

    @Test(
        arguments: [
            ("localhost:1", "`localhost:1` does not begin with http:// or https://"),
            ("ftp://h", "`ftp://h` does not begin with http:// or https://"),
            ("http://", "the URL has no host"), ("http:///x", "the URL has no host"),
            ("http://h:0", "`:0` is not a port from 1 to 65535"), ("http://h:x", "`:x` is not a port from 1 to 65535"),
            ("http://h:", "`:` is not a port from 1 to 65535"),
            ("http://u:p@h", "a user or password cannot be part of it"),
            ("http://h?x", "a `?` or `#` cannot be part of it"),
            ("http://[x]/", "`[x]` is not an IPv6 address"), ("http://a,b", "`a,b` is not a host name"),
            (
                "http://h/\\r\\nX",
                "`http://h/\u{FFFD}\u{FFFD}X` has a space or a character that must be percent-encoded in a URL"
            ),
        ])
    func refusesURLs(url: String, message: String) throws {
        let set = try load("ml: {sources: {s: {base_url: \"\(url)\", models: {m: {}}}}}")
        #expect(set.errors == ["1:30: `base_url`: \(message)"])
    }

    @Test(
        arguments: [
            ("", "0:0: the file is empty"), ("# nothing\n", "0:0: the file is empty"),
            ("---\n", "0:0: the file is empty"),
            ("[]", "1:1: manifest: expected a mapping, found a list"),
            ("domain: a", "1:1: manifest: `ml` is missing"),
            ("ml: {}", "1:5: `ml`: `sources` is missing"),
            ("ml: {sources: }", "1:15: `sources`: expected a mapping of sources by their ids, found nothing"),
            ("ml: {sources: {s: {}}}", "1:19: source `s`: `models` is missing"),
            ("ml: {sources: {s: {models: {m: {}}}}}", "1:29: model `m` has nothing to send predictions to"),
            ("ml: {sources: {s: {models: {m: }}}}", "1:32: model `m`: expected a mapping, found nothing"),
            ("ml: {sources: {-s: {base_url: 'http://h', models: {}}}}", "1:16: `-s` cannot be the id of a source"),
            (
                "ml: {sources: {s: {base_url: 'http://h', models: {a/b: {}}}}}",
                "1:51: `a/b` cannot be the id of a model"
            ),
            ("domain: a b\nml: {sources: {}}", "1:9: `a b` cannot be the id of a domain"),
            ("domain: 2024\nml: {sources: {}}", "1:9: `domain`: expected text, found the number `2024`"),
            ("ml: {sources: {}}\nm1: 5", "2:1: manifest: unknown key `m1`"),
            ("ml: {sources: {}}\n---\nml: {}", "2:1: a second document begins here"),
            ("%TAG ! x\n---\nml: {}", "1:1: `%TAG` directives are not supported"),
            (
                "ml:\n\tsources: {}",
                "2:1: not valid YAML: found character that cannot start any token while scanning for the next token"
            ),
            (
                "ml: {sources: {}",
                "2:1: not valid YAML: did not find expected ',' or '}' while parsing a flow mapping (line 1)"
            ),
            ("ml: a: b", "1:6: not valid YAML: mapping values are not allowed in this context"),
            (
                "ml:\n  a: 1\n b: 2",
                "3:2: not valid YAML: did not find expected key while parsing a block mapping (line 1)"
            ),
            ("ml: \"\u{1B}[31m\"", "1:6: the file contains the control character U+1B"),
            ("ml: a\0", "1:6: the file contains a NUL character"),
        ])
    func refusesManifests(text: String, error: String) throws {
        let set = try load(text)
        #expect(set.errors.contains(error), "\(set.errors)")
        #expect(set.brokenFiles == ["churn.yaml"])
    }

    @Test func reportsAllErrorsOfAllFilesInOrder() throws {
        let set = try ManifestFolder([
            "b.yaml": "ml: {sources: {}}\ny: 1\nx: 1\n",
            "a/z.yaml": manifest(model: "timeout: a\nmax_queue: b\nnew: c"),
            "c.yaml": "ml: [",
        ]).load()
        #expect(
            set.diagnostics.map { "\($0.file):\($0.line)" } == [
                "a/z.yaml:7", "a/z.yaml:8", "a/z.yaml:9", "b.yaml:2", "b.yaml:3", "c.yaml:2",
            ])
        #expect(set.brokenFiles == ["a/z.yaml", "b.yaml", "c.yaml"])
    }

    @Test func showsTheLineAndTheHintButNoSecret() throws {
        let set = try load(manifest(source: Self.local + "startup_command: a ${PORT}\nenvironment:\n  P: 'hunter$2'"))
        #expect(
            set.diagnostics.map(\.rendered) == [
                """
                churn.yaml:11:25: error: `environment`: `P`: a `$` must be followed by `{` or by another `$`
                                P: ••••••••••
                                          ^
                  hint: write $$ for a literal $
                """
            ])
    }

    /// Of each line something is wrong with, and none is shown with what it holds beside.
    @Test(
        arguments: [
            manifest(source: Self.local + "startup_command: a ${PORT}\nenvironment: {A: S3CRET, 1B: c}"),
            manifest(source: Self.local + "startup_command: a ${PORT}\nenvironment: {A: S3CRET, A: S3CRET2}"),
            manifest(source: Self.local + "startup_command: a ${PORT}\nenvironment: [A=S3CRET]"),
            manifest(source: Self.local + "startup_command: a ${PORT}\nenvironment: &e {A: S3CRET}\nx: *f"),
            manifest(source: Self.docker + "registry_auth: {username: u, password: S3CRET}"),
            manifest(source: Self.docker + "registry_auth: ${env:U}:S3CRET"),
            manifest(model: "headers: {Authorization: S3CRET, Connection: a}"),
            "x-e: &e {A: S3CRET, A: b}\nml: {sources: {s: {models: {m: {source: {environment: *e}}}}}}",
            "ml: {sources: {s: {base_url: \"http://user:S3CRET@host\", models: {}}}}",
            "ml: {sources: {s: {base_url: \"http://user:S3CRET@ho st\", models: {}}}}",
            "ml: {sources: {s: {models: {m: {headers: {Cookie: S3CRET}, endpoint: \"a}}}}}}",
            "ml: {sources: {s: {models: {m: {headers: {Cookie: S3CRET}}}}}}\0",
        ])
    func showsNoSecretBesideWhatIsWrong(text: String) throws {
        let folder = try ManifestFolder(["churn.yaml": text])
        let manifests = DirectoryManifests()
        // Once as it is read, and once as it is remembered.
        for _ in 0..<2 {
            let set = manifests.loadAtOnce(root: folder.path).decided(root: folder.path, accepted: []).set
            #expect(!set.diagnostics.isEmpty)
            for diagnostic in set.diagnostics {
                #expect(!diagnostic.rendered.contains("S3CRET"), "\(diagnostic.rendered)")
            }
        }
    }

    @Test func showsWhatStandsBesideASecret() throws {
        let set = try load("ml: {sources: {s: {base_url: http://u:p@host, models: {}}}, headers: {A: b}}")
        #expect(
            Set(set.diagnostics.map(\.excerpt)) == [
                "ml: {sources: {s: {base_url: •••••••••••••••, models: {}}}, headers: {A: •}}"
            ])
    }

    @Test func warnsOfAPortNobodyLearns() throws {
        let unaware = try load(manifest(source: Self.local + "startup_command: a"))
        #expect(unaware.warnings.map(\.line) == [7])
        #expect(unaware.models.count == 1)
        let aware = [
            "startup_command: a\nport: 1", "startup_command: a ${PORT}",
            "startup_command: a\nenvironment: {LISTEN: ':${PORT}'}",
        ]
        for lines in aware { #expect(try load(manifest(source: Self.local + lines)).warnings == []) }
    }

    @Test func warnsOfReferencesInHeaders() throws {
        let set = try load(manifest(model: "headers: {A: '${env:TOKEN}'}"))
        #expect(set.warnings.map(\.line) == [7])
        #expect(set.spec("churn/s/m")?.headers == ["A": "${env:TOKEN}"])
    }

    @Test func countsLinesAsEditorsDo() throws {
        let set = try load("ml: {sources: {}}\r\n\r\nü: 1\r\n\"ü\":   \t\"x\"\r\n")
        #expect(
            set.errors == [
                "3:1: manifest: unknown key `ü`", "4:1: the key `ü` is given twice, on line 3 and on line 4",
            ])
        #expect(set.diagnostics.map(\.excerpt) == ["ü: 1", "\"ü\":    \"x\""])
    }

    /// On the command line, where no YAML tells a number from a text.
    @Test(
        arguments: [
            ("16GiB", 16 << 30), ("512MB", 512_000_000), ("1.5 KiB", 1536), ("4096", 4096), ("4g", nil), ("GiB", nil),
            ("-1GiB", nil), ("", nil), ("2PiB", nil), ("99999TiB", nil),
        ] as [(String, Int64?)])
    func sizesOfFlagsAreThoseOfManifests(text: String, bytes: Int64?) {
        #expect(sizeInBytes(text) == bytes)
    }

    @Test func warnsOfFieldsWithoutEffect() throws {
        let set = try load(manifest(model: "load: eager\ntimeout: 5"))
        #expect(set.warnings.map(\.line) == [7])
        #expect(set.models.count == 1)
    }
}
