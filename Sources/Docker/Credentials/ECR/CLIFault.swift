/// What the AWS CLI means by what it writes when it fails. Its words are never passed on: they can be anything, such as
/// what a program printed that was to give credentials.
struct CLIFault: Sendable {
    /// All that it wrote on its second output.
    let said: String
    let exitCode: Int32
    /// Where the token was to come from, for messages; `nil` where the CLI itself knows.
    let region: String?

    var error: CredentialError {
        if let refusal = AWSRefusal(in: said) { return refusal.error(region: region) }
        for (phrases, error) in Self.complaints(region: region, said: said)
        where phrases.contains(where: { said.contains($0) }) {
            return error
        }
        return .retryable(
            "the AWS CLI failed with exit code \(exitCode); `aws sts get-caller-identity`, run as the user that modelet "
                + "runs as, may tell why")
    }

    /// What the CLI says of itself, before AWS has been asked.
    private static func complaints(region: String?, said: String) -> [([String], CredentialError)] {
        let place = region.map { "region \($0)" } ?? "the AWS CLI's default region"
        return [
            (
                ["Unable to locate credentials", "NoCredentials"],
                .terminal(
                    "there are no AWS credentials: give modelet AWS_PROFILE or AWS_ACCESS_KEY_ID and "
                        + "AWS_SECRET_ACCESS_KEY, run `aws configure` as its user, or attach a role to the host "
                        + "(docs/ecr.md)")
            ),
            (
                ["Partial credentials found"],
                .terminal("the AWS credentials are incomplete: an access key needs its secret key, and vice versa")
            ),
            (
                ["You must specify a region", "Unable to locate region"],
                .terminal("no AWS region is given: write `region` in the manifest, or give modelet AWS_REGION")
            ),
            (
                ["doesn't match a supported format", "is not a valid region"],
                .terminal("\(place) is no region of AWS: check `region`")
            ),
            (
                [
                    "Could not connect to the endpoint URL", "Connect timeout on endpoint URL",
                    "EndpointConnectionError",
                ],
                .retryable(
                    "ECR cannot be reached at the endpoint of \(place): is the region's name right, and can this host "
                        + "reach AWS?")
            ),
            (
                ["Read timeout on endpoint URL", "Connection was closed before we received"],
                .retryable("ECR has not answered in time (\(place))")
            ),
            (
                ["Invalid endpoint:", "endpoint_url"],
                .terminal("AWS_ENDPOINT_URL is no URL that the AWS CLI takes")
            ),
            (
                ["SSL validation failed", "SSLError"],
                .terminal(
                    "the certificate of ECR's endpoint is not trusted; behind a proxy that makes its own, AWS_CA_BUNDLE "
                        + "names its authority")
            ),
            (
                ["config profile"],
                .terminal("AWS_PROFILE names a profile that is not in the AWS configuration of modelet's user")
            ),
            (
                ["SSO session", "SSO Token", "Token has expired and refresh failed", "sso login"],
                .terminal("the AWS login has expired: run `aws sso login` as the user that modelet runs as")
            ),
            (
                ["refreshed credentials are still expired"],
                .terminal("the AWS credentials have expired, and what gives them gives none that are newer")
            ),
            (
                ["Error when retrieving credentials", "Error retrieving"],
                .retryable(
                    "the AWS credentials cannot be had from where the AWS configuration says; `aws sts "
                        + "get-caller-identity`, run as the user that modelet runs as, may tell why")
            ),
            (
                ["Unable to parse config file"],
                .terminal("the AWS configuration of modelet's user is not in the form that the AWS CLI reads")
            ),
            (
                ["Invalid choice", "Unknown options", "usage: aws"],
                .terminal("this AWS CLI does not know `aws ecr get-authorization-token`: install a newer one")
            ),
        ]
    }
}
