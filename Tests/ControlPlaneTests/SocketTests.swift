import Glibc
import Testing

@testable import ControlPlane

@Suite("The socket is claimed, never stolen", .timeLimit(.minutes(1)))
struct SocketTests {
    let control = FakeControl()

    @Test func onlyTheOwnerMayConnect() async throws {
        try await withDirectory { directory in
            let socket = directory + "/modelet.sock"
            try await withServer(control, on: socket) {
                var status = stat()
                #expect(lstat(socket, &status) == 0)
                #expect(status.st_mode & S_IFMT == S_IFSOCK)
                #expect(status.st_mode & 0o777 == 0o600)
            }
            #expect(access(socket, F_OK) != 0)
        }
    }

    @Test func socketOfADeadDaemonIsReplaced() async throws {
        try await withDirectory { directory in
            let socket = directory + "/modelet.sock"
            try leaveSocket(at: socket)
            await #expect(throws: ClientError.noDaemon) { try await AdminClient(socket: socket).about() }
            try await withServer(control, on: socket) { _ = try await AdminClient(socket: socket).about() }
        }
    }

    @Test func livingSocketIsNotStolen() async throws {
        try await withDirectory { directory in
            let socket = directory + "/modelet.sock"
            try await withServer(control, on: socket) {
                await #expect(throws: AdminServerError.socket(.inUse(path: socket))) {
                    try await withServer(FakeControl(), on: socket) {}
                }
                _ = try await AdminClient(socket: socket).about()
            }
        }
    }

    @Test func socketOfASuccessorIsLeftAlone() async throws {
        try await withDirectory { directory in
            let socket = directory + "/modelet.sock"
            try await withServer(control, on: socket) {
                unlink(socket)
                try leaveSocket(at: socket)
            }
            #expect(access(socket, F_OK) == 0)
        }
    }

    @Test func otherFilesAreLeftAlone() async throws {
        try await withDirectory { directory in
            let socket = directory + "/modelet.sock"
            #expect(mkdir(socket, 0o700) == 0)
            await #expect(throws: AdminServerError.socket(.notASocket(path: socket))) {
                try await withServer(control, on: socket) {}
            }
            #expect(access(socket, F_OK) == 0)
        }
    }

    @Test func deepAndOddPathsWork() async throws {
        try await withDirectory { directory in
            var deep = directory
            // Ends well beyond the 107 bytes that a socket's address holds.
            while deep.utf8.count < 1000 {
                deep += "/ä %2F?#\(String(repeating: "x", count: 60))"
                #expect(mkdir(deep, 0o700) == 0)
            }
            let socket = deep + "/modelet.sock"
            try await withServer(control, on: socket) { _ = try await AdminClient(socket: socket).about() }
            #expect(access(socket, F_OK) != 0)
        }
    }

    @Test func missingDirectoryIsNamed() async throws {
        try await withDirectory { directory in
            let socket = directory + "/none/modelet.sock"
            let error = SocketError.system("open directory", path: directory + "/none", errno: ENOENT)
            await #expect(throws: AdminServerError.socket(error)) { try await withServer(control, on: socket) {} }
            await #expect(throws: ClientError.noDaemon) { try await AdminClient(socket: socket).about() }
        }
    }

    @Test func nameTooLongIsAClearError() async throws {
        let path = "/tmp/" + String(repeating: "x", count: 65)
        await #expect(throws: AdminServerError.socket(.badName(path: path))) {
            try await withServer(control, on: path) {}
        }
    }

    @Test func serverCanBeStartedAgain() async throws {
        try await withDirectory { directory in
            let socket = directory + "/modelet.sock"
            for _ in 0..<5 {
                try await withServer(control, on: socket) { _ = try await AdminClient(socket: socket).about() }
            }
        }
    }

    @Test func connectionsAtTheLastMomentDoNoHarm() async throws {
        try await withDirectory { directory in
            let socket = directory + "/modelet.sock"
            for _ in 0..<50 {
                // Connects, asks nothing, and is gone, while the server ends.
                try await withServer(control, on: socket) {
                    for _ in 0..<4 {
                        #expect(throws: SocketError.inUse(path: socket)) { try AdminSocket(claiming: socket) }
                    }
                }
            }
        }
    }

    /// What a daemon that was killed leaves behind.
    private func leaveSocket(at path: String) throws {
        let claimed = try AdminSocket(claiming: path)
        close(claimed.descriptor)
    }
}
