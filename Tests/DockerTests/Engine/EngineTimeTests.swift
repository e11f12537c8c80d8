import ModelCore
import Testing

@testable import Docker

@Suite("Times of the engine")
struct EngineTimeTests {
    @Test(
        "RFC 3339 is read to the millisecond",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-11-23T04:22:42.48967967Z", 1_795_407_762_489),
            ("2026-11-23T04:22:42.4Z", 1_795_407_762_400), ("2026-11-23T04:22:42.048Z", 1_795_407_762_048),
            ("2026-11-23T06:22:42+02:00", 1_795_407_762_000), ("2026-11-22T22:52:42.5-05:30", 1_795_407_762_500),
            ("2000-02-29T12:00:00Z", 951_825_600_000), ("1969-12-31T23:59:59Z", -1000),
            ("2100-03-01T00:00:00Z", 4_107_542_400_000),
        ])
    func read(text: String, milliseconds: Int64) {
        #expect(Timestamp(engineTime: text) == Timestamp(milliseconds: milliseconds))
    }

    @Test(
        "never, and what is no time, is none",
        arguments: [
            "0001-01-01T00:00:00Z", "", "yesterday", "2026-11-23", "2026-11-23T04:22:42", "2026-11-23T04:22:42.Z",
            "2026-13-23T04:22:42Z", "2026-11-23T24:22:42Z", "2026-11-23T04:22:42+2:00", "2026-11-23T04:22:42Zz",
            "2026-1é-23T04:22:42Z",
        ])
    func never(text: String) {
        #expect(Timestamp(engineTime: text) == nil)
    }

    @Test("it is written as seconds with decimals", arguments: [(0, "0.000"), (1_795_407_762_048, "1795407762.048")])
    func written(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).engineTime == text)
    }
}
