import ModelCore
import Testing

@testable import Docker

@Suite struct ECRParsingTests {
    @Test(
        "the host of a registry is read in every partition and spelling",
        arguments: [
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com", "123456789012", "us-east-1"),
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com:443", "123456789012", "us-east-1"),
            ("123456789012.DKR.ecr.EU-west-1.amazonaws.com", "123456789012", "eu-west-1"),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "123456789012", "cn-north-1"),
            ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "123456789012", "us-gov-west-1"),
            ("123456789012.dkr-ecr.us-west-2.on.aws", "123456789012", "us-west-2"),
            ("123456789012.dkr-ecr-fips.us-west-2.on.aws", "123456789012", "us-west-2"),
            ("123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "123456789012", "cn-north-1"),
            ("123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", "123456789012", "us-iso-east-1"),
            ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "123456789012", "eusc-de-east-1"),
            ("vpce-0a1-b2c.dkr.ecr.us-west-2.vpce.amazonaws.com", nil, "us-west-2"),
            ("dkr.ecr.us-west-2.example.com", nil, "us-west-2"),
        ] as [(String, String?, String)])
    func readsHost(host: String, account: String?, region: String) throws {
        let read = try #require(ECRHost(host))
        #expect(read.account == account)
        #expect(read.region == region)
    }

    @Test(
        "other hosts tell nothing",
        arguments: [
            "", "127.0.0.1:5000", "public.ecr.aws", "123456789012.dkr.ecr", "1.dkr.ecr.", "r.example", "dkr-ecr",
        ])
    func otherHosts(host: String) {
        #expect(ECRHost(host) == nil)
    }

    @Test("the region is the manifest's, else the one in the host")
    func targetRegion() {
        let host = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
        #expect(ECRTarget(registry: host, region: nil).region == "us-east-1")
        #expect(ECRTarget(registry: host, region: "eu-west-1").region == "eu-west-1")
        #expect(ECRTarget(registry: "r.example", region: nil).region == nil)
    }

    @Test(
        "the time of expiry is read in every form that the AWS CLI prints",
        arguments: [
            ("1420070400", 1_420_070_400_000), ("1420070400.25", 1_420_070_400_250), ("1.4200704e9", 1_420_070_400_000),
            (#""2015-01-01T00:00:00+00:00""#, 1_420_070_400_000), (#""2015-01-01T00:00:00Z""#, 1_420_070_400_000),
            (#""2015-01-01T02:30:00+02:30""#, 1_420_070_400_000),
            (#""2014-12-31T19:00:00.500000-05:00""#, 1_420_070_400_500),
            (#""2014-12-31T19:00:00.5-05:00""#, 1_420_070_400_500),
        ] as [(String, Int64)])
    func readsExpiry(text: String, milliseconds: Int64) throws {
        let token = try #require(read(expiresAt: text))
        #expect(token.expiresAt == Timestamp(milliseconds: milliseconds))
    }

    @Test(
        "without a time that can be read, a token is taken to live as long as documented",
        arguments: ["null", #""soon""#, "1e300", #""""#])
    func unreadableExpiry(text: String) throws {
        let token = try #require(read(expiresAt: text))
        #expect(token.expiresAt == Self.now + Seconds(12 * 3600))
    }

    @Test("the registry is the host of the endpoint, and the token holds user and password")
    func readsAnswer() throws {
        let token = try #require(read(expiresAt: "1420070400"))
        #expect(token.registry == "123456789012.dkr.ecr.us-east-1.amazonaws.com")
        #expect(token.login == UserAndPassword(user: "AWS", password: "a:b"))
        #expect(!"\(token)".contains("a:b"))
        #expect(!String(reflecting: token).contains("a:b"))
    }

    @Test(
        "an answer without a token is none",
        arguments: [
            "{}", #"{"authorizationData": []}"#, #"{"authorizationData": [{"authorizationToken": "%"}]}"#,
        ])
    func answerWithoutToken(text: String) {
        #expect(AuthorizationAnswer(json: text)?.token(obtainedAt: Self.now) == nil)
    }

    @Test(
        "a token is due from half its life on, and good until it expires",
        arguments: [
            (0, false, true), (4_999, false, true), (5_000, true, true), (9_999, true, true), (10_000, true, false),
            (-1, true, false),
        ] as [(Int64, Bool, Bool)])
    func halfLife(milliseconds: Int64, isDue: Bool, isGood: Bool) {
        let token = ECRToken(
            login: UserAndPassword(user: "AWS", password: "x"), obtainedAt: Self.now, expiresAt: Self.now + 10)
        let time = Self.now + Seconds(milliseconds: milliseconds)
        #expect(token.isDue(at: time) == isDue)
        #expect(token.isGood(at: time) == isGood)
    }

    private static let now = Timestamp(milliseconds: 1_800_000_000_000)

    private func read(expiresAt: String) -> ECRToken? {
        AuthorizationAnswer(
            json: """
                {"authorizationData": [{"authorizationToken": "\(ToolBox.base64("AWS:a:b"))", "expiresAt": \(expiresAt),
                "proxyEndpoint": "https://123456789012.dkr.ecr.us-east-1.amazonaws.com"}]}
                """)?.token(obtainedAt: Self.now)
    }
}
