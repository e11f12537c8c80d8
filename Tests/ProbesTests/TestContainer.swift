import ModelCore
import Reconciler

/// What a container is to a probe, without an engine: a process in a network namespace of its own, and a port proxy in
/// ours that accepts whether or not anything listens there.
///
/// The proxy opens its listener first and enters the namespace then: a socket stays where it was made.
struct TestContainer {
    private let proxy: ChildProcess
    /// Where it is published on this host.
    let port: Int
    /// Its first process.
    let process: Int32

    /// The port in it that is published.
    static let port = 8000

    enum Habit: String {
        /// Answers 200.
        case http
        /// Breaks every connection off.
        case resets
        /// Stops listening before it answers.
        case vanishes
        /// Answers, and ends; the proxy passes the answer on only then.
        case dies
    }

    init() async throws {
        proxy = try ChildProcess.python(Self.program, "\(Self.port)")
        port = try await proxy.number()
        process = Int32(try await proxy.number())
    }

    func listen(_ habit: Habit = .http, at address: String = "0.0.0.0", port: Int = Self.port) async {
        proxy.write("\(habit.rawValue) \(address) \(port)")
        _ = await proxy.line()
    }

    /// Ends its first process, and waits until it is gone.
    func end() async {
        proxy.write("end")
        _ = await proxy.line()
    }

    func target(_ readiness: ReadinessSpec = .http(ProbeSpec.patient)) -> ProbeTarget {
        ProbeTarget(
            host: "127.0.0.1", port: port, readiness: readiness, owner: .container(process: process, port: Self.port))
    }

    /// Whether we may make network namespaces: as root, or in a user namespace where the kernel allows that to all.
    static let isPossible: Bool = {
        guard let child = try? ChildProcess.python(enter + "print('yes')") else { return false }
        child.waitUntilZombie()
        return child.readLine() == "yes"
    }()

    private static let enter = """
        import os, sys
        libc = ctypes.CDLL(None)
        new_network, new_user = 0x40000000, 0x10000000
        if libc.unshare(new_network) and libc.unshare(new_network | new_user):
            sys.exit("no network namespace can be made here")

        """

    private static let program = """
        import socket
        proxy = socket.create_server(("127.0.0.1", 0))
        print(proxy.getsockname()[1])
        """ + "\n" + enter + #"""
            import fcntl, struct, threading
            published, inside = int(sys.argv[1]), "10.0.0.2"
            control = socket.socket()
            loopback = lambda name: struct.pack("16sH14s", name, socket.AF_INET, b"\0\0" + socket.inet_aton(inside))
            fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 1))  # up
            fcntl.ioctl(control, 0x8916, loopback(b"lo:1"))                 # an address that is none of the loopback
            def reset(connection):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
            def whole(connection, end):
                got = b""
                while not got.endswith(end) or not end:
                    more = connection.recv(65536)
                    if not more: break
                    got += more
                return got

            commands, orders = os.pipe()
            child = os.fork()
            if child == 0:
                libc.prctl(1, 9)
                def answer(connection, listener, habit):
                    if habit == "resets": return reset(connection)
                    whole(connection, b"\r\n\r\n")
                    if habit == "vanishes": listener.close()
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Habit: " + habit.encode() + b"\r\n\r\n")
                    if habit == "dies": os._exit(0)
                    connection.close()
                def serve(listener, habit):
                    while listener.fileno() >= 0:
                        connection, _ = listener.accept()
                        # Probes hang up when they know enough.
                        try: answer(connection, listener, habit)
                        except OSError: connection.close()
                for command in os.fdopen(commands):
                    habit, address, port = command.split()
                    family = socket.AF_INET6 if ":" in address else socket.AF_INET
                    both = {"dualstack_ipv6": address == "::"} if ":" in address else {}
                    listener = socket.create_server((address, int(port)), family=family, **both)
                    print("listening")
                    threading.Thread(target=serve, args=(listener, habit), daemon=True).start()
                sys.exit()

            def relay(client):
                try:
                    server = socket.create_connection((inside, published))
                except OSError:
                    return client.close()
                try:
                    server.sendall(whole(client, b"\r\n\r\n"))
                    server.shutdown(socket.SHUT_WR)
                    answer = whole(server, b"")
                    if b"X-Habit: dies" in answer: os.waitpid(child, 0)
                    client.sendall(answer)
                    client.close()
                except OSError:
                    return reset(client)
            def accept():
                while True: threading.Thread(target=relay, args=(proxy.accept()[0],), daemon=True).start()
            threading.Thread(target=accept, daemon=True).start()
            print(child)
            for command in sys.stdin:
                if command == "end\n":
                    os.kill(child, 9)
                    os.waitpid(child, 0)
                    print("ended")
                else:
                    os.write(orders, command.encode())
            """#
}
