import ModelCore

/// Checks what manifests claim to be on the disk. What is missing is reported as the disk's fault, not the text's.
struct DiskChecks {
    let artifactRoots: ArtifactRoots
    let sockets: EngineSockets

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
        case .volume(let opensSocket):
            do {
                try artifactRoots.check(volume: claim.path, opensSocket: opensSocket, sockets: sockets)
                return nil
            } catch {
                let hint: String? =
                    if case .missing = error { "it is mounted, never created" } else { error.hint }
                return Problem("`volumes`: \(error.message)", hint: hint)
            }
        case .referencedFile:
            return missing(claim.path).map { Problem("`environment`: \($0)") }
        case .registryAuth:
            return missing(claim.path).map { Problem("`registry_auth`: \($0)") }
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
