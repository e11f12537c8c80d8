internal import Glibc

/// The right to write a state: a lock on `state/lock`, held until the object is released or the process ends.
///
/// It is an open-file-description lock. It belongs to the open file and not to the process, so that no unrelated
/// `close` gives it up; it ends with the process however that ends, so that a dead holder never has to be cleared
/// away; and it can be asked for without being taken, so that asking who holds it never gets into a holder's way.
/// The file is never deleted: a lock on a deleted file excludes nobody.
package final class StateLock: Sendable {
    private let file: OwnedFile

    private init(_ file: consuming OwnedFile) {
        self.file = file
    }

    deinit {
        // Closing alone would not do while a program that is just being started still has a copy of the descriptor.
        var request = Self.wholeFile(F_UNLCK)
        _ = fcntl(file.descriptor, Self.setLock, &request)
    }

    /// Takes the lock, making the directory where there is none. Blocks for at most half a second.
    package static func acquire(at directory: StateDirectory) throws(StateLockError) -> StateLock {
        do {
            try directory.prepare()
            let file = try OwnedFile(opening: directory.lock, O_RDWR | O_CREAT, action: "open")
            var holder: Holder?
            for _ in 0..<namingTries {
                if try lock(file) {
                    try file.replaceContents(Holder.current.text)
                    return StateLock(file)
                }
                holder = Holder(try file.contents())
                if let holder, holder.isAlive { break }
                // Between taking the lock and writing its name a holder is still unnamed.
                usleep(namingPause)
            }
            throw StateLockError.held(pid: holder?.pid, command: holder?.command ?? "unknown")
        } catch let error as StateLockError {
            throw error
        } catch let error as StateDirectoryError {
            throw .unavailable(error.message)
        } catch {
            throw .unavailable("cannot lock \(directory.lock): \(error)")
        }
    }

    /// Who holds the lock now; `nil` where nobody does. Never takes it.
    package static func holder(at directory: StateDirectory) -> Holder? {
        guard let file = try? OwnedFile(opening: directory.lock, O_RDONLY, action: "open"), isHeld(file) else {
            return nil
        }
        return (try? file.contents()).flatMap(Holder.init) ?? Holder(pid: 0, startTicks: 0, command: "unknown")
    }

    /// How often a holder that has not yet written its name is asked for it, and the pause between, in microseconds.
    private static let namingTries = 50
    private static let namingPause: UInt32 = 10_000

    private static func lock(_ file: borrowing OwnedFile) throws(StateDirectoryError) -> Bool {
        var request = wholeFile(F_WRLCK)
        if fcntl(file.descriptor, setLock, &request) == 0 { return true }
        guard errno == EAGAIN || errno == EACCES else { throw StateDirectoryError("lock", file.path, errno) }
        return false
    }

    private static func isHeld(_ file: borrowing OwnedFile) -> Bool {
        var request = wholeFile(F_RDLCK)
        guard fcntl(file.descriptor, getLock, &request) == 0 else { return false }
        return request.l_type != Int16(F_UNLCK)
    }

    private static func wholeFile(_ type: Int32) -> Glibc.flock {
        var request = Glibc.flock()
        request.l_type = Int16(type)
        request.l_whence = Int16(SEEK_SET)
        return request
    }

    /// `F_OFD_GETLK` and `F_OFD_SETLK` of `<fcntl.h>`, the same on every architecture of Linux.
    private static let getLock: Int32 = 36
    private static let setLock: Int32 = 37
}

package enum StateLockError: Error, Hashable, Sendable {
    /// Another program holds it. `pid` is `nil` where it did not say who it is.
    case held(pid: Int32?, command: String)
    /// The lock cannot be taken by anyone: a sentence.
    case unavailable(String)
}

extension StateLock {
    /// Who holds a lock, as the lock file says it.
    package struct Holder: Hashable, Sendable {
        /// 0 where the holder has not yet said.
        package var pid: Int32
        /// Field 22 of `/proc/PID/stat`.
        package var startTicks: UInt64
        package var command: String
    }
}

extension StateLock.Holder {
    private static let pidLabel = "pid: "
    private static let startLabel = "start_ticks: "
    private static let commandLabel = "command: "

    fileprivate static var current: Self {
        Self(
            pid: getpid(), startTicks: startTicks(of: getpid()) ?? 0,
            command: CommandLine.arguments.joined(separator: " "))
    }

    fileprivate var text: String {
        let line = String(command.map { $0.isNewline ? " " : $0 })
        return "\(Self.pidLabel)\(pid)\n\(Self.startLabel)\(startTicks)\n\(Self.commandLabel)\(line)\n"
    }

    fileprivate init?(_ text: String) {
        var fields: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            for label in [Self.pidLabel, Self.startLabel, Self.commandLabel] where line.hasPrefix(label) {
                fields[label[...]] = line.dropFirst(label.count)
            }
        }
        guard let pid = fields[Self.pidLabel[...]].flatMap({ Int32($0) }),
            let startTicks = fields[Self.startLabel[...]].flatMap({ UInt64($0) }),
            let command = fields[Self.commandLabel[...]]
        else { return nil }
        self.init(pid: pid, startTicks: startTicks, command: String(command))
    }

    /// Whether a process with this pid runs that was started when the holder was.
    fileprivate var isAlive: Bool { Self.startTicks(of: pid) == startTicks }

    private static func startTicks(of pid: Int32) -> UInt64? {
        guard let file = try? OwnedFile(opening: "/proc/\(pid)/stat", O_RDONLY, action: "read"),
            let text = try? file.contents(), let afterName = text.lastIndex(of: ")")
        else { return nil }
        // The state is field 3 and the first after the name. A zombie holds nothing any more.
        let fields = text[text.index(after: afterName)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z" else { return nil }
        return UInt64(fields[19])
    }
}
