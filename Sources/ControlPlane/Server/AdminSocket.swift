import Glibc

/// The listening socket of a daemon, claimed without ever taking a living one from another.
///
/// The file of a daemon that died is replaced. That two daemons find the same dead file at the same moment is for the
/// lock on the state to rule out. Only its owner may connect (mode 0600), from the first moment: the mode is set on the
/// socket before it has a name.
struct AdminSocket {
    private let location: SocketLocation
    private let file: FileIdentity
    /// Bound and listening, close-on-exec; whoever takes it closes it.
    let descriptor: CInt

    /// Connections that the kernel keeps waiting until they are accepted.
    private static let backlog: CInt = 128
    private static let mode: mode_t = 0o600

    /// Claims `path`. Does not block.
    init(claiming path: String) throws(SocketError) {
        let location = try SocketLocation(path)
        try Self.removeStale(at: location)
        descriptor = try Self.listen(at: location)
        guard let file = FileIdentity(location) else {
            let code = errno
            close(descriptor)
            throw .system("find the new socket", path: path, errno: code)
        }
        self.file = file
        self.location = location
    }

    /// Removes the socket's file, unless it has become another's.
    func remove() {
        if FileIdentity(location) == file { unlinkat(location.directory, location.name, 0) }
    }

    private static func listen(at location: SocketLocation) throws(SocketError) -> CInt {
        let descriptor = try makeSocket(for: location)
        let code =
            errnoOf { fchmod(descriptor, mode) }
            ?? errnoOf { withAddress(location.address) { bind(descriptor, $0, $1) } }
            ?? errnoOf { Glibc.listen(descriptor, backlog) }
        guard let code else { return descriptor }
        close(descriptor)
        // Somebody else was quicker between our look and our claim.
        if code == EADDRINUSE { throw .inUse(path: location.path) }
        throw .system("listen", path: location.path, errno: code)
    }

    private static func removeStale(at location: SocketLocation) throws(SocketError) {
        guard let found = FileIdentity(location) else {
            if errno == ENOENT { return }
            throw .system("look at it", path: location.path, errno: errno)
        }
        guard found.isSocket else { throw .notASocket(path: location.path) }
        switch try connectError(at: location) {
        case ECONNREFUSED:
            // Nobody listens: its daemon is dead.
            if unlinkat(location.directory, location.name, 0) != 0, errno != ENOENT {
                throw .system("remove the socket of a dead daemon", path: location.path, errno: errno)
            }
        case ENOENT:
            return
        case nil, EAGAIN:
            // Answered, or listens with a full backlog.
            throw .inUse(path: location.path)
        case .some(let code):
            throw .system("connect", path: location.path, errno: code)
        }
    }

    private static func connectError(at location: SocketLocation) throws(SocketError) -> Int32? {
        let descriptor = try makeSocket(for: location)
        defer { close(descriptor) }
        return errnoOf { withAddress(location.address) { connect(descriptor, $0, $1) } }
    }

    private static func makeSocket(for location: SocketLocation) throws(SocketError) -> CInt {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { throw .system("create a socket", path: location.path, errno: errno) }
        return descriptor
    }
}

/// What distinguishes a file from a later one of the same name.
private struct FileIdentity: Equatable {
    let device: dev_t
    let inode: ino_t
    let isSocket: Bool

    init?(_ location: SocketLocation) {
        var status = stat()
        guard fstatat(location.directory, location.name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
        isSocket = status.st_mode & S_IFMT == S_IFSOCK
    }
}

private func errnoOf(_ call: () -> CInt) -> Int32? {
    call() == 0 ? nil : errno
}

private func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // SocketLocation keeps its paths shorter than this, with room for the final zero.
    withUnsafeMutableBytes(of: &address.sun_path) { $0.dropLast().copyPrefix(of: path) }
    return withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
}

extension Slice<UnsafeMutableRawBufferPointer> {
    fileprivate func copyPrefix(of text: String) {
        var target = self
        for (index, byte) in zip(target.indices, text.utf8) { target[index] = byte }
    }
}
