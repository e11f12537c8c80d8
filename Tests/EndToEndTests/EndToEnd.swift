import Testing

/// The real programs, driven as a user would: one host a test, and one test at a time, since each starts a daemon and
/// its model servers.
@Suite(.serialized)
enum EndToEnd {}
