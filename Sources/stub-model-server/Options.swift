internal import Glibc

/// The command line: which bad habits to have.
struct Options {
    var host = environment("HOST") ?? "127.0.0.1"
    var port: UInt16 = environment("PORT").flatMap { UInt16($0) } ?? 8000
    var say: [String] = []
    var printLines = 0
    var startDelay = 0
    var listenWhen: String?
    var warmUp = 0
    var label: String?
    var exitImmediately: Int32?
    var exitAfterStart: Int32?
    var neverListen = false
    var ignoreTerm = false
    var crashAfterRequests: Int?
    var forkGrandchild = false
    var grandchildSetsid = false
    var grandchildOwnEnvWiped = false
    var grandchildListens = false
    var daemonize = false
    var oneThreaded = false
    var healthPath = "/"
    var status = 200
    var sickFile: String?
    var delay = 0
    var stream: Int?
    var streamInterval = 10
    var streamEndWhen: String?
    var echo = false
    var echoEnvironment = false
    var echoFile: String?
    var printRequests = false
    var allocate = 0
    var checkFile: String?
    /// Set on what `--fork-grandchild` starts: do nothing but stay.
    var isGrandchild = false

    static let help = """
        A model server with every bad habit as a flag. Without flags it answers each request at once with JSON.

          --host ADDRESS            where to listen: a numeric address or localhost ($HOST, 127.0.0.1)
          --port PORT               ($PORT, 8000)
          --start-delay-ms N        wait before listening
          --listen-when PATH        wait before listening until there is such a file
          --warm-up-ms N            answer everything, health checks too, with 503 for so long after it listens
          --label TEXT              say `"label":"TEXT"` in every answer: which version this is
          --say TEXT                write TEXT to standard error at the start; may be repeated
          --print LINES             write so many lines to standard output at the start
          --exit-immediately CODE   end before listening
          --exit-after-start CODE   end as soon as it listens
          --never-listen            run, but open no port
          --ignore-term             end only by SIGKILL
          --crash-after-requests N  answer N requests, then end by SIGSEGV when the next has arrived
          --fork-grandchild         start a child that ignores SIGTERM and stays; prints `grandchild PID`
          --grandchild-setsid       … in a session of its own
          --grandchild-own-env-wiped  … without any environment
          --grandchild-listens      … that holds the listening socket, too
          --daemonize               go on in the background: the first process ends with code 0
          --one-threaded            serve one connection until it closes; others wait
          --health-path PATH        the path whose GET is a health check, not a prediction (/)
          --status N                the status of health checks (200)
          --sick-file PATH          leave health checks unanswered while PATH exists
          --delay-ms N              wait before each prediction is answered
          --stream N                answer predictions in N chunks …
          --stream-interval-ms N    … with this time between them (10)
          --stream-end-when PATH    … and send the last of them only when there is such a file
          --print-requests          write a line to standard output for each prediction that arrives
          --echo                    answer with method, path, headers and the length of the body
          --echo-environment        … with the environment and the user's number, too
          --echo-file PATH          … with the first line of PATH, too
          --allocate-mib N          take so many MiB of memory when the first prediction arrives
          --check-file PATH         end at once: with code 0 where PATH exists, else with code 1 and a sentence

        """

    /// `nil` after `--help`; a sentence is thrown where an argument is wrong.
    init?(_ words: [String]) throws(UsageError) {
        var rest = words.dropFirst()
        while let word = rest.popFirst() {
            if word == "--help" { return nil }
            if try setSwitch(word) { continue }
            guard let value = rest.popFirst() else { throw UsageError(message: "\(word) is unknown or has no value") }
            try setValue(word, value)
        }
    }

    private mutating func setSwitch(_ name: String) throws(UsageError) -> Bool {
        switch name {
        case "--never-listen": neverListen = true
        case "--ignore-term": ignoreTerm = true
        case "--fork-grandchild": forkGrandchild = true
        case "--grandchild-setsid": grandchildSetsid = true
        case "--grandchild-own-env-wiped": grandchildOwnEnvWiped = true
        case "--grandchild-listens": grandchildListens = true
        case "--daemonize": daemonize = true
        case "--one-threaded": oneThreaded = true
        case "--echo": echo = true
        case "--echo-environment": echoEnvironment = true
        case "--print-requests": printRequests = true
        case "--grandchild": isGrandchild = true
        default: return false
        }
        return true
    }

    private mutating func setValue(_ name: String, _ value: String) throws(UsageError) {
        switch name {
        case "--host": host = value
        case "--port": port = try Self.number(name, value)
        case "--say": say.append(value)
        case "--print": printLines = try Self.number(name, value)
        case "--start-delay-ms": startDelay = try Self.number(name, value)
        case "--listen-when": listenWhen = value
        case "--warm-up-ms": warmUp = try Self.number(name, value)
        case "--label": label = value
        case "--exit-immediately": exitImmediately = try Self.number(name, value)
        case "--exit-after-start": exitAfterStart = try Self.number(name, value)
        case "--crash-after-requests": crashAfterRequests = try Self.number(name, value)
        case "--health-path": healthPath = value
        case "--status": status = try Self.number(name, value)
        case "--sick-file": sickFile = value
        case "--delay-ms": delay = try Self.number(name, value)
        case "--echo-file": echoFile = value
        case "--allocate-mib": allocate = try Self.number(name, value)
        case "--check-file": checkFile = value
        case "--stream": stream = try Self.number(name, value)
        case "--stream-interval-ms": streamInterval = try Self.number(name, value)
        case "--stream-end-when": streamEndWhen = value
        default: throw UsageError(message: "unknown argument \(name); see --help")
        }
    }

    private static func number<N: FixedWidthInteger>(_ name: String, _ text: String) throws(UsageError) -> N {
        guard let number = N(text), number >= 0 else { throw UsageError(message: "\(name): not a number: \(text)") }
        return number
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}

struct UsageError: Error {
    var message: String
}
