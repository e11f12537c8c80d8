import Glibc

/// A port on which nothing listens, nor will: a socket of this process is bound to it on every address, for as long
/// as the process lives. It lies outside of the range that the kernel gives out.
func quietPort() throws -> Int {
    for port in UInt16.random(in: 10000...18000)...19999 where hold(port) { return Int(port) }
    throw ChildProcess.SpawnError(code: EADDRINUSE)
}

private func hold(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    let length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let bound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    if bound != 0 { close(descriptor) }
    return bound == 0
}
