/// How long the loads of a model took that came to something.
package struct LoadTimes: Codable, Hashable, Sendable {
    /// How many there were, at least 1.
    package var count: Int
    package var last: Seconds
    /// A moving average: each load counts for a quarter of it, so that it follows a change within a few loads, and
    /// one slow load (a cold disk, say) does not rule it.
    package var usual: Seconds

    package init(count: Int, last: Seconds, usual: Seconds) {
        self.count = count
        self.last = last
        self.usual = usual
    }

    /// What is known once a load has followed `previous`.
    package static func after(_ load: Seconds, previous: LoadTimes?) -> LoadTimes {
        guard let previous else { return LoadTimes(count: 1, last: load, usual: load) }
        let difference = load.milliseconds - previous.usual.milliseconds
        return LoadTimes(
            count: previous.count + 1, last: load,
            usual: Seconds(milliseconds: previous.usual.milliseconds + difference / 4))
    }
}
