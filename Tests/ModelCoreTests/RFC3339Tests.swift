import ModelCore
import Testing

@Suite struct RFC3339Tests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"), (-86_400_001, "1969-12-30T23:59:59.999Z"),
        (951_825_600_007, "2000-02-29T12:00:00.007Z"), (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (1_795_407_762_489, "2026-11-23T04:22:42.489Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (1_704_067_199_999, "2023-12-31T23:59:59.999Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ])
    func isWrittenAndRead(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).rfc3339 == text)
        #expect(Timestamp(rfc3339: text) == Timestamp(milliseconds: milliseconds))
    }

    /// Each day of a century and a half, so that no end of a month or a leap year is missed.
    @Test func everyDayComesBack() {
        for day in -20_000..<40_000 {
            let time = Timestamp(milliseconds: Int64(day) * 86_400_000 + 45_296_789)
            #expect(Timestamp(rfc3339: time.rfc3339) == time)
        }
    }

    @Test(arguments: [
        "", "10m", "2026-11-23", "2026-11-23T04:22:42", "2026-13-23T04:22:42Z", "2026-11-23T24:00:00Z",
        "2026-02-29T00:00:00Z", "2026-02-31T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-11-00T00:00:00Z", "2026-11-32T00:00:00Z", "2026-11-23T04:22:42+24:00", "2026-11-23T04:22:42-02:60",
        "2026-11-23T04:22:42+99:99",
    ])
    func whatIsNoTimeIsNone(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test(arguments: [
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"), ("2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"),
        ("2026-11-23T00:00:00+23:59", "2026-11-22T00:01:00.000Z"),
        ("2026-11-23T00:00:00-23:59", "2026-11-23T23:59:00.000Z"),
    ])
    func whatIsRareIsRead(text: String, meant: String) {
        #expect(Timestamp(rfc3339: text)?.rfc3339 == meant)
    }

    @Test func secondsAloneAreRoundedDown() {
        #expect(Timestamp(milliseconds: 1_795_407_762_999).rfc3339ToTheSecond == "2026-11-23T04:22:42Z")
    }
}
