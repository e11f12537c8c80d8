import Logging

/// The daemon's log: one line an event on standard error, for people and for journald.
enum DaemonLog {
    static func logger(level: Logger.Level) -> Logger {
        var logger = Logger(label: "modelet") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        return logger
    }
}
