import ModelCore

extension SourceSpec {
    /// The same model server from one image, whatever its name has come to stand for: got where this host has it no more,
    /// and never anew. `nil` where nobody can get it: it is a process, or an image that only this host had.
    /// - Parameter image: as ``InstanceRecord/image``.
    func fixed(to image: String) -> SourceSpec? {
        guard let at = image.firstIndex(of: "@") else { return nil }
        switch self {
        case .localArtifact:
            return nil
        case .docker(var spec):
            spec.image = image
            spec.container.pull = spec.container.pull.withoutNewOnes
            return .docker(spec)
        case .ecr(var spec):
            // ECR need not be asked for its registry: the way back is open without it where the image is still here.
            spec.registry = image[..<at].split(separator: "/").first.map(String.init)
            spec.tag = nil
            spec.digest = String(image[image.index(after: at)...])
            spec.container.pull = spec.container.pull.withoutNewOnes
            return .ecr(spec)
        }
    }
}

extension PullPolicy? {
    /// A name that is fixed never stands for a newer image.
    fileprivate var withoutNewOnes: PullPolicy? { self == .always ? .missing : self }
}
