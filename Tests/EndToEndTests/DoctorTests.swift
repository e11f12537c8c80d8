import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// `modelet doctor`, with programs on the `PATH` that answer what a test wants.
    @Suite struct Doctor {
        @Test func aHostWithoutAnEngineIsWellWhereNobodyNeedsOne() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                let before = try await host.doctor()
                #expect(before.status == 0, "\(before.output)")
                #expect(before.line("database")?.contains("none yet") == true)

                let daemon = try await host.serve()
                _ = try await daemon.predict()
                let ended = try await host.doctor()
                #expect(ended.status == 0, "\(ended.output)")
                #expect(ended.line("shim")?.hasPrefix("ok ") == true)
                #expect(ended.line("ports")?.contains("9999 of 20000-29999 are free") == true)
                #expect(ended.line("database")?.contains("1 model accepted") == true)
                #expect(ended.line("daemon")?.contains("(pid \(daemon.process.pid))") == true)
                #expect(ended.line("gateway")?.contains("answers at 127.0.0.1:\(daemon.port)") == true)
                #expect(ended.line("docker")?.hasPrefix("ok ") == true)
                #expect(ended.line("docker")?.contains("no accepted model needs it") == true)
                #expect(ended.line("aws identity") == nil)
            }
        }

        @Test func whatAModelNeedsAndIsNotThereFails() async throws {
            try await TestHost.run { host in
                try host.write(Self.manifest, to: "containers.yaml")
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                try host.addProgram("aws", "echo 'Unable to locate credentials' >&2; exit 253")
                mkdir("\(host.directory)/.docker", 0o700)
                try host.writeFile(
                    #"{"credHelpers": {"r.example": "nowhere"}, "credsStore": "elsewhere"}"#,
                    to: "\(host.directory)/.docker/config.json")
                let ended = try await host.doctor()
                #expect(ended.status == 1)
                let engine = try #require(ended.line("docker"))
                #expect(engine.hasPrefix("fail  "))
                #expect(engine.contains("no engine at unix://\(host.directory)/none.sock"), "\(engine)")
                #expect(engine.contains("needed by test/container/default, test/ecr/default"), "\(engine)")
                #expect(ended.output.contains("docker-credential-elsewhere, which"))
                #expect(ended.output.contains("docker-credential-nowhere, which"))
                let missing = ended.output.split(separator: "\n").filter { $0.contains("docker-credential-") }
                #expect(missing.contains { $0.hasPrefix("fail ") && $0.contains("needed by test/container/default") })
                #expect(missing.contains { $0.hasPrefix("warn ") && $0.contains("elsewhere") })
                #expect(ended.line("aws identity")?.contains("there are no AWS credentials") == true)
                #expect(ended.line("aws region")?.contains("test/ecr/default") == true)
            }
        }

        @Test func theIdentityAtAWSIsShown() async throws {
            try await TestHost.run { host in
                try host.addProgram(
                    "aws",
                    """
                    case "$1" in
                    --version) echo aws-cli/9.8.7 Python/3 ;;
                    sts) echo '{"UserId": "x", "Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/u"}' ;;
                    configure) echo eu-central-1 ;;
                    esac
                    """)
                let ended = try await host.doctor("--aws")
                #expect(ended.status == 0, "\(ended.output)")
                #expect(ended.line("ecr tools")?.contains("aws-cli/9.8.7") == true)
                #expect(ended.line("aws identity")?.contains("arn:aws:iam::123456789012:user/u") == true)
                #expect(ended.line("aws region")?.contains("eu-central-1") == true)
            }
        }

        @Test(.needs(.engine)) func anEngineIsLookedAt() async throws {
            try await TestHost.run(.container) { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                try await host.waitForContainer()
                let ended = try await host.modelet("doctor")
                #expect(ended.status == 0, "\(ended.output)")
                let engine = try #require(host.engine)
                #expect(ended.line("docker")?.contains("at \(engine.address)") == true, "\(ended.output)")
                #expect(ended.line("docker")?.hasPrefix("ok ") == true)
                #expect(ended.line("docker host")?.contains("run on this host") == true, "\(ended.output)")
                #expect(ended.line("docker storage") != nil)
                #expect(ended.line("live restore") != nil)
                withExtendedLifetime(daemon) {}
            }
        }

        @Test func programsReadItAsJSON() async throws {
            try await TestHost.run { host in
                let ended = try await host.doctor("--output", "json", "--port-range", "40000-40005")
                #expect(ended.status == 0)
                #expect(ended.output.contains(#""is_healthy" : true"#))
                #expect(ended.output.contains(#""check" : "ports""#))
                #expect(ended.output.contains(#""verdict" : "warn""#))
            }
        }

        /// The modelet that runs is looked at, and not who asks.
        @Test(.enabled(if: getuid() == 0, "needs the right to make pid namespaces: run it as root"))
        func aModeletThatTakesItsModelsWithItIsFound() async throws {
            try await TestHost.run { host in
                let process = try ChildProcess(
                    [
                        "unshare", "--pid", "--fork", "--mount-proc", "--kill-child", TestHost.modelet, "serve",
                        "--manifests", host.manifests, "--state", host.state, "--listen", "127.0.0.1:0",
                    ], output: host.directory + "/serve")
                let daemon = Daemon(process: process, host: host)
                try await daemon.waitUntilListening()
                #expect(process.errors.contains("modelet is PID 1 of its container"), "\(process.errors)")
                let ended = try await host.doctor()
                #expect(ended.status == 0, "\(ended.output)")
                #expect(ended.line("survival")?.hasPrefix("warn  ") == true, "\(ended.output)")
                #expect(try await host.modelet("shutdown").status == 0)
                #expect(try await process.exitStatus() == 0)
            }
        }

        @Test func aBrokenDatabaseIsFound() async throws {
            try await TestHost.run { host in
                try host.writeStub()
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                try host.writeFile(String(repeating: "no database ", count: 1000), to: host.database)
                let ended = try await host.doctor()
                #expect(ended.status == 1)
                #expect(ended.line("database")?.hasPrefix("fail ") == true, "\(ended.output)")
            }
        }

        private static let manifest = """
            domain: test
            ml:
              sources:
                container:
                  models:
                    default:
                      endpoint: /predict
                      source: {type: docker, image: "r.example/x:1", container_port: 8000}
                ecr:
                  models:
                    default:
                      endpoint: /predict
                      source: {type: ecr, repository: x, tag: "1", container_port: 8000}

            """
    }
}

extension TestHost.Ended {
    /// The line of a check.
    fileprivate func line(_ check: String) -> String? {
        // The verdict, the check in a column of its own, what was found.
        output.split(separator: "\n").map(String.init).first { $0.dropFirst(6).hasPrefix(check + "  ") }
    }
}

extension TestHost {
    /// Runs it without an engine, and with the programs of this host alone beside those that everybody has.
    fileprivate func doctor(_ arguments: String...) async throws -> Ended {
        mkdir("\(directory)/bin", 0o700)
        return try await run(
            [Self.modelet, "doctor"] + arguments,
            environment: [
                "MODELET_STATE": state, "DOCKER_HOST": "unix://\(directory)/none.sock", "HOME": directory,
                "DOCKER_CONFIG": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "", "PATH": "\(directory)/bin:/bin",
            ])
    }

    fileprivate func addProgram(_ name: String, _ script: String) throws {
        mkdir("\(directory)/bin", 0o700)
        let path = "\(directory)/bin/\(name)"
        try writeFile("#!/bin/sh\n\(script)\n", to: path)
        chmod(path, 0o700)
    }
}
