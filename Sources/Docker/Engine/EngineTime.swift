package import ModelCore

extension Timestamp {
    /// A time as the engine writes it: RFC 3339 with up to nine decimals, in UTC or with an offset. `nil` for the year 1,
    /// which stands for never, and for anything else.
    package init?(engineTime text: String) {
        guard !text.hasPrefix("0001-") else { return nil }
        self.init(rfc3339: text)
    }

    /// As the API takes it: seconds since 1970, with decimals.
    var engineTime: String {
        let part = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - part.utf8.count))\(part)"
    }
}
