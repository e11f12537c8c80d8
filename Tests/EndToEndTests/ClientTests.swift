import Glibc
import Testing

extension EndToEnd {
    /// Clients and servers that nobody here wrote, through the real gateway. What each does is in `Tests/clients`.
    @Suite struct Clients {
        @Test(arguments: ["requests", "httpx", "websockets"])
        func python(_ client: String) async throws {
            try await Self.check { host, base in
                let script = Self.folder + "/with_\(client).py"
                return try await host.run([Self.tools + "/python", "-B", script, base])
            }
        }

        @Test(arguments: ["curl", "churn"])
        func programs(_ client: String) async throws {
            try await Self.check { host, base in try await host.run([Self.folder + "/with-\(client)", base]) }
        }

        @Test func upstreamThatClosesIdleConnections() async throws {
            try await Self.check { host, base in
                try await host.run([Self.tools + "/python", "-B", Self.folder + "/with_idle_closing.py", base])
            }
        }

        static let folder = TestHost.sources + "/Tests/clients"
        static let tools = TestHost.sources + "/.build-tools/clients/bin"

        /// Serves every server of `Tests/clients`, and expects the check against modelet's URL to find nothing wrong.
        private static func check(_ run: (TestHost, String) async throws -> TestHost.Ended) async throws {
            try #require(access(tools + "/python", X_OK) == 0, "`make test` installs it: scripts/install-clients")
            try await TestHost.run { host in
                _ = try await host.run(["cp", "-r", folder, host.manifests + "/clients"])
                try writeManifest(on: host)
                let daemon = try await host.serve()
                let ended = try await run(host, "http://127.0.0.1:\(daemon.port)")
                #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
                #expect(isRunning(daemon.process.pid))
                // Workers of nginx bear no trace of this host by which they could be found: modelet must end them.
                #expect(try await daemon.terminate() == 0)
            }
        }

        private static func writeManifest(on host: TestHost) throws {
            let idle = (name: "idle", port: 18441, rule: "keepalive_timeout 6ms;")
            let three = (name: "three", port: 18442, rule: "keepalive_requests 3;")
            var text = """
                domain: test
                ml:
                  sources:

                """
            text += source("asgi", "\(tools)/python -m uvicorn asgi:app --port ${PORT} --log-level warning")
            text += source("wsgi", "\(tools)/python -m gunicorn wsgi:app --bind 127.0.0.1:${PORT} --workers 2")
            for each in [idle, three] {
                let configuration = "\(host.directory)/\(each.name).conf"
                try host.writeFile(nginx(port: each.port, rule: each.rule, in: host.directory), to: configuration)
                text += source(each.name, "\(tools)/nginx -p \(host.directory) -c \(configuration)", port: each.port)
            }
            try host.write(text, to: "clients.yaml")
        }

        private static func source(_ name: String, _ command: String, port: Int? = nil) -> String {
            """
                \(name):
                  models:
                    default:
                      endpoint: /predict
                      source:
                        type: local_artifact
                        path: ./clients
                        startup_command: "\(command)"
            \(port.map { "            port: \($0)\n" } ?? "")
            """
        }

        /// An nginx that answers everything itself, and closes its connections as `rule` says.
        private static func nginx(port: Int, rule: String, in folder: String) -> String {
            """
            daemon off;
            pid \(folder)/nginx-\(port).pid;
            error_log stderr warn;
            events { worker_connections 512; }
            http {
                access_log off;
                client_body_temp_path \(folder)/body-\(port);
                proxy_temp_path \(folder)/proxy-\(port);
                fastcgi_temp_path \(folder)/fastcgi-\(port);
                uwsgi_temp_path \(folder)/uwsgi-\(port);
                scgi_temp_path \(folder)/scgi-\(port);
                \(rule)
                server {
                    listen 127.0.0.1:\(port);
                    location / { return 200 '{"prediction": 1}'; }
                }
            }

            """
        }
    }
}
