import ModelCore
import Reconciler

/// A server with one habit, listening in a process of its own.
struct TestServer {
    let process: ChildProcess
    let port: Int

    enum Habit: String {
        /// Answers one request after the other with a given status, and closes.
        case http
        /// Accepts, and says nothing.
        case silent
        case garbage
        case tls
        /// Accepts and closes.
        case closes
        /// 103 first, then the status.
        case interim
        /// Ignores `Connection: close`; serves nobody else until the client closes, and prints that it did.
        case clings
        /// Prints the request it was sent.
        case echoes
        /// Sends its listening socket away on a connection that nobody reads: it listens, but no process holds it.
        case orphan
        /// Listens in a grandchild.
        case grandchild
        /// Stops listening while it answers: prints that it did, and waits for a line before it answers.
        case vanishes
    }

    init(_ habit: Habit, at address: String = "127.0.0.1", port: Int = 0, status: Int = 200) async throws {
        process = try ChildProcess.python(Self.program, habit.rawValue, address, "\(port)", "\(status)")
        self.port = try await process.number()
    }

    func target(
        host: String = "127.0.0.1", _ readiness: ReadinessSpec = .http(ProbeSpec.patient), treeRoot: Int32? = nil
    ) -> ProbeTarget {
        ProbeTarget(host: host, port: port, readiness: readiness, owner: .tree(root: treeRoot ?? process.pid))
    }

    private static let program = #"""
        import ctypes, os, socket, sys, time
        habit, address, port, status = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if address == "::1":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(64)
        name = listener.getsockname()[1]
        kept = []

        def request(connection):
            got = b""
            while b"\r\n\r\n" not in got:
                more = connection.recv(65536)
                if not more: break
                got += more
            return got.decode()

        def answer(connection):
            connection.sendall(f"HTTP/1.1 {status} Whatever\r\nContent-Length: 2\r\n\r\nok".encode())

        if habit == "grandchild":
            for _ in range(2):
                if os.fork():
                    listener.close()
                    os.wait()
                    sys.exit()
                ctypes.CDLL(None).prctl(1, 9)
            habit = "http"
        if habit == "orphan":
            ours, theirs = socket.socketpair()
            socket.send_fds(ours, [b"x"], [listener.fileno()])
            listener.close()
            print(name)
            time.sleep(1000)
        print(name)
        while True:
            connection, _ = listener.accept()
            if habit == "http":
                request(connection)
                answer(connection)
                connection.close()
            elif habit == "silent":
                kept.append(connection)
            elif habit == "garbage":
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                kept.append(connection)
            elif habit == "tls":
                request(connection)
                connection.sendall(bytes([0x15, 3, 1, 0, 2, 2, 70]))
                connection.close()
            elif habit == "closes":
                connection.close()
            elif habit == "interim":
                request(connection)
                connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
                answer(connection)
                connection.close()
            elif habit == "clings":
                request(connection)
                answer(connection)
                while connection.recv(65536): pass
                connection.close()
                print("closed")
            elif habit == "echoes":
                print(request(connection).replace("\r\n", "|"))
                answer(connection)
                connection.close()
            elif habit == "vanishes":
                request(connection)
                listener.close()
                print("gone")
                sys.stdin.readline()
                answer(connection)
                connection.close()
                time.sleep(1000)
        """#
}

extension ProbeSpec {
    /// For servers that will answer, however long the machine lets them wait for their turn.
    static var patient: ProbeSpec {
        var probe = ProbeSpec()
        probe.timeout = 60
        return probe
    }
}
