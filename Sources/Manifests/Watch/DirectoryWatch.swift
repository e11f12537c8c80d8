import CLinux
import Glibc
import Synchronization

/// Tells when something below the followed roots may have changed the manifests. One thread waits for the kernel's word.
///
/// It never says what changed: whoever listens reads everything anew. What happens while it is being set up is told, too,
/// since the watches are placed before the change is announced that asks for another reading.
final class DirectoryWatch: Sendable {
    private struct Shared {
        var roots: [String] = []
        /// Is told what keeps a folder from being watched; the thread of the watch calls it.
        var trouble: @Sendable (String) -> Void = { _ in }
        var isStarted = false
    }

    private let shared = Mutex(Shared())
    /// A pipe, written to when the roots change.
    private let wakeReader: Int32
    private let wakeWriter: Int32
    let changes: AsyncStream<Void>
    private let announce: AsyncStream<Void>.Continuation

    init() {
        var ends: [Int32] = [-1, -1]
        _ = clinux_pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        (wakeReader, wakeWriter) = (ends[0], ends[1])
        (changes, announce) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    deinit {
        // The thread, once there is one, keeps this object for ever.
        close(wakeReader)
        close(wakeWriter)
    }

    /// Follows these roots, absolute paths, and no others from now on. Costs a thread from the first call on, which lives as
    /// long as the program.
    func follow(_ roots: [String], trouble: @escaping @Sendable (String) -> Void) {
        let (isFirst, isNew) = shared.withLock { shared in
            defer {
                shared.roots = roots
                shared.trouble = trouble
                shared.isStarted = true
            }
            return (!shared.isStarted, shared.roots != roots)
        }
        guard isNew else { return }
        if isFirst { start() }
        // A pipe that is full has been written to.
        _ = write(wakeWriter, [1], 1)
    }

    private func start() {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        guard pthread_create(&thread, nil, { runWatch($0) }, context.toOpaque()) == 0 else {
            context.release()
            return tell("no thread can be started for it; they are read every 30 s all the same")
        }
        pthread_detach(thread)
    }

    fileprivate func run() {
        do throws(SystemError) {
            var thread = WatchThread(inotify: try Inotify())
            defer { thread.inotify.end() }
            while true {
                thread.wait(for: wakeReader)
                if let roots = newRoots() { thread.roots = roots }
                thread.look(telling: tell)
                if thread.isDue { announce.yield() }
            }
        } catch {
            tell("\(error.message); they are read every 30 s all the same")
        }
    }

    private func tell(_ trouble: String) { shared.withLock(\.trouble)(trouble) }

    private func newRoots() -> [String]? {
        var bytes = [UInt8](repeating: 0, count: 64)
        guard read(wakeReader, &bytes, bytes.count) > 0 else { return nil }
        return shared.withLock(\.roots)
    }
}

private func runWatch(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<DirectoryWatch>.fromOpaque(context).takeRetainedValue().run()
    return nil
}

/// What only the thread of the watch touches.
private struct WatchThread {
    var inotify: Inotify
    var roots: [String]? {
        didSet { needsPlan = true }
    }
    private var plan = WatchPlan(roots: [])
    private var needsPlan = false
    private var debounce = Debounce()
    private var told: Set<String> = []

    init(inotify: Inotify) {
        self.inotify = inotify
    }

    /// Sleeps until the kernel or `wake` has something to say, or a burst of changes is over.
    func wait(for wake: Int32) {
        var descriptors = [
            pollfd(fd: inotify.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
        ]
        let patience = debounce.due.map { due in
            // Rounded up: to wake a moment too early would be to wake twice.
            Int32(max((due - .now) / .milliseconds(1), 0)) + 1
        }
        _ = poll(&descriptors, nfds_t(descriptors.count), patience ?? -1)
    }

    /// Takes what has happened, and watches what is there now.
    mutating func look(telling trouble: (String) -> Void) {
        for event in inotify.events() where concerns(event) {
            debounce.note(at: .now)
            needsPlan = true
        }
        guard needsPlan, let roots else { return }
        needsPlan = false
        // A folder that appears while the plan is made may hold others already: until two plans agree.
        for _ in 0..<Self.mostPlans {
            let next = WatchPlan(roots: roots)
            for (folder, reason) in inotify.watch(next.folders.keys) where told.insert("\(folder): \(reason)").inserted
            {
                trouble("\(folder) cannot be watched: \(reason); it is looked at every 30 s all the same")
            }
            if next == plan { return }
            plan = next
            debounce.note(at: .now)
        }
        needsPlan = true
    }

    /// Somebody who makes folders faster than they can be looked at is waited for with the next event.
    private static let mostPlans = 10

    private func concerns(_ event: Inotify.Event) -> Bool {
        guard let folder = event.folder, !event.name.isEmpty else { return true }
        return plan.folders[folder]?.concerns(event.name, isWrite: event.isWrite) ?? false
    }

    /// Whether the changes so far are to be told now.
    var isDue: Bool {
        mutating get { debounce.take(at: .now) }
    }
}
