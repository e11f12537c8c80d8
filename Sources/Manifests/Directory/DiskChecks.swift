/// Checks what manifests claim to be on the disk. What is missing is reported as the disk's fault, not the text's.
struct DiskChecks {
    let artifactRoots: ArtifactRoots

    func check(_ file: ManifestFile) {
        for claim in file.models.flatMap(\.diskClaims) {
            guard let problem = problem(with: claim) else { continue }
            file.findings.report(problem, at: claim.position, isAboutDisk: true)
        }
    }

    private func problem(with claim: DiskClaim) -> Problem? {
        switch claim.kind {
        case .artifacts:
            do {
                try artifactRoots.check(path: claim.path)
                return nil
            } catch {
                return Problem("`path`: \(error.message)", hint: error.hint)
            }
        case .volume:
            return missing(claim.path).map { Problem("`volumes`: \($0)", hint: "it is mounted, never created") }
        case .referencedFile:
            return missing(claim.path).map { Problem("`environment`: \($0)") }
        }
    }

    private func missing(_ path: String) -> String? {
        do {
            _ = try resolve(path)
            return nil
        } catch {
            return error.isMissing ? "\(path) does not exist" : "\(path) cannot be read: \(error.message)"
        }
    }
}
