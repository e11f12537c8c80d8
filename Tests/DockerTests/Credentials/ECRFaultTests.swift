import ModelCore
import Testing

@testable import Docker

/// What people read when AWS refuses. The words of AWS and of its CLI are what they printed.
@Suite struct ECRFaultTests {
    private static let user = "arn:aws:iam::123456789012:user/models"
    private static let role = "arn:aws:sts::123456789012:assumed-role/models/i-0123456789abcdef0"
    private static let repository = "arn:aws:ecr:us-east-1:123456789012:repository/ml/model"

    private static func refused(_ code: String, _ message: String, _ operation: String = "GetAuthorizationToken")
        -> String
    {
        "\nAn error occurred (\(code)) when calling the \(operation) operation: \(message)\n"
    }

    @Test(
        "each complaint of the AWS CLI becomes a sentence with what is to be done",
        arguments: [
            (
                refused(
                    "AccessDeniedException",
                    "User: \(user) is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no "
                        + "identity-based policy allows the ecr:GetAuthorizationToken action"),
                CredentialError.terminal(
                    "AWS does not let \(user) call ecr:GetAuthorizationToken: allow ecr:GetAuthorizationToken in its IAM "
                        + "policy. docs/ecr.md has the minimal policy")
            ),
            (
                refused(
                    "AccessDeniedException",
                    "User: \(user) is not authorized to perform: ecr:GetAuthorizationToken on resource: * with an "
                        + "explicit deny in a service control policy"),
                .terminal(
                    "AWS does not let \(user) call ecr:GetAuthorizationToken: a policy denies it explicitly; it has to be "
                        + "changed")
            ),
            (
                refused("AccessDeniedException", "no"),
                .terminal(
                    "AWS denies ecr:GetAuthorizationToken to these credentials: allow it in their IAM policy. docs/ecr.md "
                        + "has the minimal one")
            ),
            (
                refused(
                    "AccessDenied",
                    "User: \(user) is not authorized to perform: sts:AssumeRole on resource: "
                        + "arn:aws:iam::210987654321:role/pull", "AssumeRole"),
                .terminal(
                    "AWS does not let \(user) call sts:AssumeRole on arn:aws:iam::210987654321:role/pull: allow "
                        + "sts:AssumeRole in its IAM policy and in the trust policy of the role. docs/ecr.md has the "
                        + "minimal policy")
            ),
            (
                refused("ExpiredTokenException", "The security token included in the request is expired"),
                .terminal(
                    "the AWS credentials have expired: log in again (`aws sso login`), or renew what gives them to modelet"
                )
            ),
            (
                refused("UnrecognizedClientException", "The security token included in the request is invalid."),
                .terminal(
                    "AWS does not know these credentials: the access key is wrong, was deleted, or belongs to another "
                        + "partition than region us-east-1")
            ),
            (
                refused("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than …"),
                .terminal("AWS does not accept the signature: the secret key is wrong, or the clock of this host is")
            ),
            (
                refused("ThrottlingException", "Rate exceeded", "GetAuthorizationToken")
                    .replacing(" operation:", with: " operation (reached max retries: 2):"),
                .retryable("AWS answers no more for now: too many requests (GetAuthorizationToken)")
            ),
            (
                refused("ServerException", "marker"),
                .retryable("AWS has a fault of its own (ServerException of GetAuthorizationToken)")
            ),
            (refused("StrangeException", "marker"), .retryable("AWS refused GetAuthorizationToken (StrangeException)")),
            (
                "\nUnable to locate credentials. You can configure credentials by running \"aws configure\".\n",
                .terminal(
                    "there are no AWS credentials: give modelet AWS_PROFILE or AWS_ACCESS_KEY_ID and "
                        + "AWS_SECRET_ACCESS_KEY, run `aws configure` as its user, or attach a role to the host "
                        + "(docs/ecr.md)")
            ),
            (
                "\nPartial credentials found in env, missing: AWS_SECRET_ACCESS_KEY\n",
                .terminal("the AWS credentials are incomplete: an access key needs its secret key, and vice versa")
            ),
            (
                "\nYou must specify a region. You can also configure your region by running \"aws configure\".\n",
                .terminal("no AWS region is given: write `region` in the manifest, or give modelet AWS_REGION")
            ),
            (
                "\nCould not connect to the endpoint URL: \"https://api.ecr.us-est-1.amazonaws.com/\"\n",
                .retryable(
                    "ECR cannot be reached at the endpoint of region us-east-1: is the region's name right, and can this "
                        + "host reach AWS?")
            ),
            (
                "\nThe config profile (marker) could not be found\n",
                .terminal("AWS_PROFILE names a profile that is not in the AWS configuration of modelet's user")
            ),
            (
                "\nError loading SSO Token: Token for https://x.awsapps.com/start does not exist\n",
                .terminal("the AWS login has expired: run `aws sso login` as the user that modelet runs as")
            ),
            (
                "\nProvided region_name 'us east' doesn't match a supported format.\n",
                .terminal("region us-east-1 is no region of AWS: check `region`")
            ),
            (
                "Traceback (most recent call last): marker",
                .retryable(
                    "the AWS CLI failed with exit code 255; `aws sts get-caller-identity`, run as the user that modelet "
                        + "runs as, may tell why")
            ),
            (
                // Not AWS's words, though they look like it.
                "An error occurred (marker marker) when calling the x y operation: z",
                .retryable(
                    "the AWS CLI failed with exit code 255; `aws sts get-caller-identity`, run as the user that modelet "
                        + "runs as, may tell why")
            ),
        ])
    func mapsCLI(said: String, error: CredentialError) {
        #expect(CLIFault(said: said, exitCode: 255, region: "us-east-1").error == error)
        #expect(!error.message.contains("marker"))
    }

    @Test(
        "each refusal of a pull becomes a sentence with what is to be done",
        arguments: [
            (
                "denied: User: \(role) is not authorized to perform: ecr:BatchGetImage on resource: \(repository) because "
                    + "no identity-based policy allows the ecr:BatchGetImage action",
                CredentialError.terminal(
                    "AWS does not let \(role) call ecr:BatchGetImage on \(repository): allow ecr:BatchGetImage in its IAM "
                        + "policy. docs/ecr.md has the minimal policy"), false
            ),
            (
                "Head \"https://x\": denied: User: \(role) is not authorized to perform: ecr:GetDownloadUrlForLayer on "
                    + "resource: arn:aws:ecr:us-east-1:210987654321:repository/ml/model",
                .terminal(
                    "AWS does not let \(role) call ecr:GetDownloadUrlForLayer on "
                        + "arn:aws:ecr:us-east-1:210987654321:repository/ml/model: allow ecr:GetDownloadUrlForLayer in "
                        + "its IAM policy, and in the policy of the repository, which belongs to another account. "
                        + "docs/ecr.md has the minimal policy"), false
            ),
            (
                "denied: User: \(user) is not authorized to perform: ecr:BatchImportUpstreamImage on resource: "
                    + "\(repository)",
                .terminal(
                    "AWS does not let \(user) call ecr:BatchImportUpstreamImage on \(repository): allow "
                        + "ecr:BatchImportUpstreamImage in its IAM policy (the repository is a pull-through cache). "
                        + "docs/ecr.md has the minimal policy"), false
            ),
            (
                "denied: Your authorization token has expired. Reauthenticate and try again.",
                .retryable("the token for 123456789012.dkr.ecr.us-east-1.amazonaws.com has expired"), true
            ),
            (
                "Head \"https://x/v2/ml/model/manifests/1\": no basic auth credentials",
                .terminal(
                    "123456789012.dkr.ecr.us-east-1.amazonaws.com does not accept the credentials: is it the registry "
                        + "that `region` and the AWS credentials belong to?"), true
            ),
            (
                "name unknown: The repository with name 'ml/model' does not exist in the registry with id '210987654321'",
                .terminal(
                    "ECR has no repository ml/model in 123456789012.dkr.ecr.us-east-1.amazonaws.com, account "
                        + "210987654321, region us-east-1: check `repository`, `region` and `registry`"), false
            ),
            (
                "manifest unknown: Requested image not found",
                .terminal(
                    "the repository ml/model in 123456789012.dkr.ecr.us-east-1.amazonaws.com has no image with the tag 1"
                ),
                false
            ),
            (
                "toomanyrequests: Rate exceeded",
                .retryable("123456789012.dkr.ecr.us-east-1.amazonaws.com answers no more for now: too many requests"),
                false
            ),
            (
                "error pulling image configuration: download failed after attempts=1: error parsing HTTP 403 response "
                    + "body: https://prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com: 403 Forbidden",
                .terminal(
                    "the layers of ml/model come from S3, which refuses them: the policy of the VPC's endpoint for S3 has "
                        + "to allow the bucket of ECR (docs/ecr.md)"), false
            ),
        ])
    func mapsPulls(message: String, error: CredentialError, isAboutCredentials: Bool) {
        let refusal = PullRefusal(
            message, registry: "123456789012.dkr.ecr.us-east-1.amazonaws.com", repository: "ml/model", version: "1")
        #expect(refusal?.error == error)
        #expect(refusal?.isAboutCredentials == isAboutCredentials)
    }

    @Test("what ECR is not known to say is left to others")
    func otherPulls() {
        #expect(
            PullRefusal(
                "no route to r.example/toomanyrequests", registry: "r", repository: "toomanyrequests", version: "1")
                == nil)
        let message = "Get \"https://x/v2/\": dial tcp 10.0.0.1:443: connect: connection refused"
        #expect(PullRefusal(message, registry: "r.example", repository: "m", version: "1") == nil)
    }

    @Test("only what an ARN and an action are made of is taken out of a message")
    func denialTakesNoMore() throws {
        let denial = try #require(
            Denial(in: "User: someone is not authorized to perform: ecr:BatchGetImage, marker on resource: marker"))
        #expect(denial.principal == nil)
        #expect(denial.action == "ecr:BatchGetImage")
        #expect(denial.resource == nil)
        #expect(!denial.sentence.contains("marker"))
        #expect(Denial(in: "is not authorized to perform: marker") == nil)
    }
}
