package import ModelCore
package import Reconciler

/// Where the images of containers come from; see ``Runtime`` for what its calls promise.
package protocol ImageSource: Sendable {
    func provide(_ source: SourceSpec, for key: ModelKey) async -> Provision
    func leave(_ key: ModelKey)
    var wakes: AsyncStream<ModelKey> { get }
    func currentImage(of source: SourceSpec) async -> String?
    /// Runs until cancelled; until then nothing comes.
    func run() async
}

extension ImageStore: ImageSource {
    package func provide(_ source: SourceSpec, for key: ModelKey) async -> Provision {
        do throws(ImageReferenceError) {
            guard let request = try ImageRequest(source) else { return .ready(image: nil) }
            return await provide(request, for: key)
        } catch {
            return .failed(LoadFailure(.terminal, "image: \(error.message)", at: now()))
        }
    }

    package func currentImage(of source: SourceSpec) async -> String? {
        guard let request = try? ImageRequest(source) else { return nil }
        return await currentImage(of: request)
    }
}

extension ImageRequest {
    /// `nil`: no image is needed.
    fileprivate init?(_ source: SourceSpec) throws(ImageReferenceError) {
        switch source {
        case .localArtifact: return nil
        case .docker(let spec): try self.init(spec)
        case .ecr(let spec): try self.init(spec)
        }
    }
}

extension DockerRuntime {
    package func provide(_ source: SourceSpec, for key: ModelKey) async -> Provision {
        wanted.ring()
        let provision = await images.provide(source, for: key)
        // Where no manifest says which registry an image is in, it is judged once that is known.
        guard case .ecr(let spec) = source, spec.registry == nil, case .ready(let image?) = provision,
            let found = try? ImageReference(image),
            let objection = policy.objection(toNameOf: found)
        else { return provision }
        return .failed(failure(.terminal, objection.sentence))
    }

    package func leave(_ key: ModelKey) async { images.leave(key) }

    package func currentImage(of source: SourceSpec) async -> String? {
        // Asked of what runs; nothing has run where nobody has wanted an engine.
        wanted.hasRung ? await images.currentImage(of: source) : nil
    }
}
