/// `An error occurred (CODE) when calling the OPERATION operation: MESSAGE`: AWS was asked, and refused.
struct AWSRefusal: Hashable, Sendable {
    var code: String
    var operation: String
    private var message: Substring

    init?(in said: String) {
        guard let start = said.firstRange(of: "An error occurred (")?.upperBound,
            let code = Self.name(said[start...], before: ") when calling the "),
            let operation = Self.name(code.rest, before: " operation")
        else { return nil }
        self.code = code.name
        self.operation = operation.name
        message = operation.rest
    }

    /// Letters, digits, dots: anything else was put there by nobody at AWS.
    private static func name(_ text: Substring, before end: String) -> (name: String, rest: Substring)? {
        guard let range = text.firstRange(of: end) else { return nil }
        let name = text[..<range.lowerBound]
        let isName =
            !name.isEmpty && name.utf8.count <= 100
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "_") }
        return isName ? (String(name), text[range.upperBound...]) : nil
    }

    func error(region: String?) -> CredentialError {
        let place = region.map { "region \($0)" } ?? "the AWS CLI's default region"
        switch code {
        case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized":
            return .terminal(Denial(in: String(message))?.sentence ?? deniedWithoutReason)
        case "ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired":
            return .terminal(
                "the AWS credentials have expired: log in again (`aws sso login`), or renew what gives them to modelet")
        case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "InvalidToken":
            return .terminal(
                "AWS does not know these credentials: the access key is wrong, was deleted, or belongs to another "
                    + "partition than \(place)")
        case "InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed":
            return .terminal(
                "AWS does not accept the signature: the secret key is wrong, or the clock of this host is")
        case "IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationToken",
            "MissingAuthenticationTokenException":
            return .terminal("AWS finds no complete credentials in the request: check the AWS configuration")
        case "InvalidIdentityToken", "IDPRejectedClaim", "IDPCommunicationError":
            return .terminal("AWS does not accept the web identity token that stands for the role")
        case "OptInRequired", "SubscriptionRequiredException":
            return .terminal("the AWS account may not use ECR in \(place): the region or the account is not enabled")
        case "InvalidParameterException", "InvalidParameter", "ValidationException", "ValidationError":
            return .terminal("ECR does not accept the request: check `registry`, and the account that it names")
        case "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown",
            "RequestThrottledException":
            return .retryable("AWS answers no more for now: too many requests (\(operation))")
        case "ServerException", "InternalFailure", "InternalServerError", "InternalError", "ServiceUnavailable",
            "ServiceUnavailableException", "RequestTimeout", "500", "502", "503", "504":
            return .retryable("AWS has a fault of its own (\(code) of \(operation))")
        default:
            return .retryable("AWS refused \(operation) (\(code))")
        }
    }

    private var deniedWithoutReason: String {
        let action = operation == "GetAuthorizationToken" ? "ecr:GetAuthorizationToken" : operation
        return
            "AWS denies \(action) to these credentials: allow it in their IAM policy. docs/ecr.md has the minimal one"
    }
}
