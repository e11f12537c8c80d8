import Docker
import ModelCore

extension DoctorReport {
    private var needs: DoctorSnapshot.Needs { snapshot.needs }

    // MARK: - Docker's own logins

    var logins: [Finding] {
        switch snapshot.logins.configuration {
        case .none:
            let isNeeded = !needs.registries.isEmpty
            return isNeeded ? [.ok("logins", "no Docker configuration: images are pulled without credentials")] : []
        case .unusable(let reason):
            let advice = "mend it, or log in anew with `docker login`"
            return [needs.registries.isEmpty ? .warn("logins", reason, advice) : .fail("logins", reason, advice)]
        case .read(let path, let helpers):
            let missing = helpers.filter { !$0.isInstalled }.map(\.command)
            guard !missing.isEmpty else { return [.ok("logins", Self.summary(path, helpers))] }
            return missing.map { missingHelper($0, in: path) }
        }
    }

    private static func summary(_ path: String, _ helpers: [CredentialSurvey.Helper]) -> String {
        helpers.isEmpty ? path : "\(path); " + helpers.map(\.command).joined(separator: ", ")
    }

    /// It stands in the way of those models alone whose registry it is asked for.
    private func missingHelper(_ command: String, in path: String) -> Finding {
        let detail = "\(command), which \(path) names, is not in the PATH"
        let advice = "install it, or change `credsStore` or `credHelpers` there"
        let wanted = needs.registries.filter { snapshot.logins.helpers[$0.key]?.command == command }
        guard !wanted.isEmpty else { return .warn("logins", detail, advice) }
        return .fail("logins", "\(detail) (needed by \(Self.list(wanted.values.sorted())))", advice)
    }

    // MARK: - Amazon ECR

    var aws: [Finding] {
        guard let aws = snapshot.aws else { return [] }
        return [tools(aws), identity(aws)].compactMap(\.self) + region(aws)
    }

    private func tools(_ aws: DoctorSnapshot.AWS) -> Finding {
        let helper = aws.hasHelper ? CredentialSurvey.ecrHelper : nil
        if let cli = aws.cli { return .ok("ecr tools", [cli, helper].compactMap(\.self).joined(separator: ", ")) }
        guard let helper else {
            return .fail(
                "ecr tools", "neither the AWS CLI nor \(CredentialSurvey.ecrHelper) is in the PATH",
                "apt-get install awscli, or amazon-ecr-credential-helper")
        }
        let nameless = needs.ecr.filter { $0.registry == nil }.map(\.key)
        guard nameless.isEmpty else {
            return .fail(
                "ecr tools",
                "only the AWS CLI can tell the registry of \(Self.list(nameless)), and it is not in the PATH",
                "apt-get install awscli, or write `registry` in the manifest")
        }
        return .ok("ecr tools", "\(helper); without the AWS CLI, whose errors say more")
    }

    private func identity(_ aws: DoctorSnapshot.AWS) -> Finding? {
        switch aws.identity {
        case nil: aws.hasHelper ? .warn("aws identity", "cannot be told without the AWS CLI") : nil
        case .known(_, let arn): .ok("aws identity", arn)
        case .unknown(let reason): .fail("aws identity", reason)
        }
    }

    private func region(_ aws: DoctorSnapshot.AWS) -> [Finding] {
        let unnamed = needs.ecr.filter { $0.region == nil && $0.registry == nil }.map(\.key)
        if let region = aws.region { return [.ok("aws region", "\(region), where a manifest gives none")] }
        guard !unnamed.isEmpty else { return [] }
        return [
            .fail(
                "aws region", "no region is given for \(Self.list(unnamed))",
                "write `region` in the manifest, or give modelet AWS_REGION")
        ]
    }
}
