import Glibc

/// The kernel's watch over folders, and what it has to say.
struct Inotify {
    /// Something that happened to a name in a watched folder, or (without a name) to the folder itself.
    struct Event: Equatable {
        /// The folder that was watched; `nil` where the kernel has lost count: anything may have changed.
        var folder: String?
        /// Empty: the folder itself was moved or deleted.
        var name: String
        /// Whether the name is what it was, with another content or other permissions.
        var isWrite: Bool
    }

    let descriptor: Int32
    private var folders: [Int32: String] = [:]

    /// What is asked for: names that come and go, files that were closed after writing, and permissions. Not each single
    /// write: a file that is being written is half a manifest.
    private static let mask =
        UInt32(
            IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF
                | IN_MOVE_SELF)
        | UInt32(IN_ONLYDIR)
    private static let writes = UInt32(IN_CLOSE_WRITE | IN_ATTRIB)

    init() throws(SystemError) {
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard descriptor >= 0 else { throw .current }
    }

    func end() { close(descriptor) }

    /// Watches exactly these folders from now on.
    /// - Returns: the folders that cannot be watched although they are there, with the reason.
    mutating func watch(_ wanted: some Collection<String>) -> [(folder: String, reason: String)] {
        let wanted = Set(wanted)
        for (watch, folder) in folders where !wanted.contains(folder) {
            inotify_rm_watch(descriptor, watch)
            folders[watch] = nil
        }
        var refused: [(folder: String, reason: String)] = []
        // All of them, also those that are watched: where a folder was replaced by another of its name, only this tells.
        for folder in wanted.sorted() {
            let watch = inotify_add_watch(descriptor, folder, Self.mask)
            if watch >= 0 {
                for (old, name) in folders where name == folder && old != watch {
                    inotify_rm_watch(descriptor, old)
                    folders[old] = nil
                }
                folders[watch] = folder
            } else if errno != ENOENT && errno != ENOTDIR {
                refused.append((folder, Self.advice(SystemError.current)))
            }
        }
        return refused
    }

    private static func advice(_ error: SystemError) -> String {
        error.code == ENOSPC
            ? "the limit of watches is reached: raise fs.inotify.max_user_watches (sysctl)" : error.message
    }

    /// The longest name and some hundred events.
    private static let bufferSize = 64 << 10

    /// What has happened since the last call. Never blocks.
    mutating func events() -> [Event] {
        var events: [Event] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.bufferSize, alignment: MemoryLayout<inotify_event>.alignment)
        defer { buffer.deallocate() }
        while true {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return events }
            decode(UnsafeRawBufferPointer(rebasing: buffer[..<count]), into: &events)
        }
    }

    private mutating func decode(_ bytes: UnsafeRawBufferPointer, into events: inout [Event]) {
        let headSize = MemoryLayout<inotify_event>.size
        var rest = bytes[...]
        while rest.count >= headSize {
            let head = UnsafeRawBufferPointer(rebasing: rest).loadUnaligned(as: inotify_event.self)
            let end = headSize + Int(head.len)
            guard rest.count >= end else { return }
            let name = rest.dropFirst(headSize).prefix(Int(head.len)).prefix { $0 != 0 }
            note(head, String(decoding: name, as: UTF8.self), in: &events)
            rest = rest.dropFirst(end)
        }
    }

    private mutating func note(_ head: inotify_event, _ name: String, in events: inout [Event]) {
        if head.mask & UInt32(IN_Q_OVERFLOW) != 0 {
            return events.append(Event(folder: nil, name: "", isWrite: false))
        }
        guard let folder = folders[head.wd] else { return }
        if head.mask & UInt32(IN_IGNORED) != 0 { folders[head.wd] = nil }
        // Of the folder itself, permissions matter: it may be readable again.
        let isWrite = head.mask & Self.writes != 0 && !name.isEmpty
        events.append(Event(folder: folder, name: name, isWrite: isWrite))
    }
}
