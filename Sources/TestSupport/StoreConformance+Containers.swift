internal import ModelCore
internal import Reconciler

extension StoreConformance {
    private static let intent = Sample.containerIntent()
    private static var id: InstanceID { intent.id }
    private static let progress = PullProgress(
        image: "python:3.12", finishedLayers: 3, layers: 7, fetchedBytes: 1 << 20, totalBytes: 3 << 20)
    private static let new = "docker.io/library/python@sha256:" + String(repeating: "c", count: 64)

    static let containerRules: [StoreRule] = [
        StoreRule("a container comes back with the image that was fixed for it, and how memory ended it") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try expectEqual(try await store.begin(intent, cause: "test", startSlots: 1, at: Sample.time(0)), .granted)
            try expectEqual(try await store.live(id), intent)
            try await store.commit(.gated(id, PreparedInstance(containerID: "c0ffee")), at: Sample.time(1))
            try expectEqual(try await store.live(id)?.image, intent.image)
            var exit = Sample.exit()
            exit.isOutOfMemory = true
            var backoff = Sample.backoff()
            backoff.lastFailure.exit = exit
            try await store.commit(.exited(id, exit, backoff: backoff, endsDemand: true), at: Sample.time(2))
            try expectEqual(try await store.model(Sample.key)?.model.backoff?.lastFailure.exit?.isOutOfMemory, true)
        },
        StoreRule("the engine of a container is recorded with it, and never changes") { under in
            let store = under.store
            let other = EngineIdentity(name: "docker 2 /data", address: "unix:///other.sock")
            try await store.accept([Sample.manifest()])
            _ = try await store.begin(intent, cause: "test", startSlots: 1, at: Sample.time(0))
            let prepared = PreparedInstance(containerID: "c0ffee", engine: Sample.engine)
            try await store.commit(.gated(id, prepared), at: Sample.time(1))
            try expectEqual(try await store.live(id)?.engine, Sample.engine)
            try await store.commit(.released(id), at: Sample.time(2))
            try await store.commit(.adopted(id, server: nil, engine: other), at: Sample.time(3))
            try await store.commit(.adopted(id, server: nil), at: Sample.time(4))
            try expectEqual(try await store.live(id)?.engine, Sample.engine)
            try await store.commit(.unknown(id, reason: "elsewhere"), at: Sample.time(5))
            try expectEqual(try await store.live(id)?.engine, Sample.engine)
        },
        StoreRule("the engine of a container that an earlier version launched is recorded when it is found") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            _ = try await store.begin(intent, cause: "test", startSlots: 1, at: Sample.time(0))
            try await store.commit(.gated(id, PreparedInstance(containerID: "c0ffee")), at: Sample.time(1))
            try expectEqual(try await store.live(id)?.engine, nil)
            try await store.commit(.adopted(id, server: nil, engine: Sample.engine), at: Sample.time(2))
            try expectEqual(try await store.live(id)?.engine, Sample.engine)
        },
        StoreRule("a process is on no engine") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .gated)
            try await expectRefused {
                try await store.commit(
                    .adopted(Sample.intent().id, server: nil, engine: Sample.engine), at: Sample.time(2))
            }
        },
        StoreRule("an instance is a process or a container, never both") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .intent)
            let both = PreparedInstance(shim: Sample.shim, containerID: "c0ffee")
            try await expectRefused {
                try await store.commit(.gated(Sample.intent().id, both), at: Sample.time(1))
            }
            let container = Sample.containerIntent(of: Sample.otherKey)
            try await store.accept([Sample.manifest(), Sample.manifest(Sample.otherKey)])
            _ = try await store.begin(container, cause: "test", startSlots: 9, at: Sample.time(0))
            try await expectRefused {
                try await store.commit(.gated(container.id, PreparedInstance(shim: Sample.shim)), at: Sample.time(1))
            }
        },
        StoreRule("a pull is recorded, goes on and ends; while it lasts nothing else is waited for") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.commit(.waiting(Sample.key, reason: "waits"), at: Sample.time(1))
            func pull(_ progress: PullProgress) async throws {
                try await store.commit(
                    .pulling(Sample.key, progress, cause: "test", isNews: true), at: Sample.time(2))
            }
            try await pull(PullProgress(image: "python:3.12"))
            try await pull(progress)
            try await pull(progress)
            var model = try await store.model(Sample.key)?.model
            try expectEqual(model?.pull, progress)
            try expectEqual(model?.waiting, nil)
            try await store.commit(.pulled(Sample.key, .succeeded(last: nil)), at: Sample.time(3))
            model = try await store.model(Sample.key)?.model
            try expectEqual(model?.pull, nil)
            // What has ended ends once, and another one may begin.
            try await store.commit(.pulled(Sample.key, .failed("late")), at: Sample.time(4))
            try await pull(progress)
            try await store.commit(.pulled(Sample.key, .failed("cut short")), at: Sample.time(5))
            try expectEqual(try await store.model(Sample.key)?.model.pull, nil)
        },
        StoreRule("a load that fails ends its pull in the same piece") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.commit(.pulling(Sample.key, progress, cause: "test", isNews: true), at: Sample.time(1))
            try await store.commit(
                .loadFailed(Sample.key, generation: 1, Sample.backoff(), ending: .none), at: Sample.time(2))
            let model = try await store.model(Sample.key)?.model
            try expectEqual(model?.pull, nil)
            try expectEqual(model?.backoff, Sample.backoff())
        },
        StoreRule("a model that is removed takes its pull with it") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.commit(.pulling(Sample.key, progress, cause: "test", isNews: true), at: Sample.time(1))
            try await store.accept([])
            try await store.commit(.removed(Sample.key), at: Sample.time(2))
            try expectEqual(try await store.models(), [])
            // Nothing of it is left open.
            try await store.accept([Sample.manifest()])
            try await store.commit(.pulling(Sample.key, progress, cause: "test", isNews: true), at: Sample.time(3))
            try expectEqual(try await store.model(Sample.key)?.model.pull, progress)
        },
        StoreRule("drift is noted, and forgotten where it is none any more") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.commit(.drifted(Sample.key, to: new), at: Sample.time(1))
            let model = try await store.model(Sample.key)?.model
            try expectEqual(model?.drift, new)
            try expectEqual(model?.followsDrift, false)
            try expectEqual(model?.generation, 1)
            try await store.commit(.drifted(Sample.key, to: nil), at: Sample.time(2))
            try expectEqual(try await store.model(Sample.key)?.model.drift, nil)
        },
        StoreRule("a new image is a new generation, until the instance that it replaces has ended") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            _ = try await store.begin(intent, cause: "test", startSlots: 9, at: Sample.time(0))
            try await store.commit(.drifted(Sample.key, to: new), at: Sample.time(1))
            try await store.commit(.newImage(Sample.key, new), at: Sample.time(2))
            var model = try await store.model(Sample.key)?.model
            try expectEqual(model?.generation, 2)
            try expectEqual(model?.drift, new)
            try expectEqual(model?.followsDrift, true)
            // Seen once more, it is the same.
            try await store.commit(.drifted(Sample.key, to: new), at: Sample.time(3))
            try expectEqual(try await store.model(Sample.key)?.model.followsDrift, true)
            let exit = Sample.exit(.neverStarted)
            try await store.commit(.exited(id, exit, backoff: nil, endsDemand: false), at: Sample.time(4))
            model = try await store.model(Sample.key)?.model
            try expectEqual(model?.drift, nil)
            try expectEqual(model?.followsDrift, false)
            try expectEqual(model?.generation, 2)
        },
        StoreRule("drift is known for as long as what has drifted runs, whatever becomes of its successor") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            _ = try await store.begin(intent, cause: "test", startSlots: 9, at: Sample.time(0))
            try await store.commit(.gated(id, PreparedInstance(containerID: "c0ffee")), at: Sample.time(1))
            try await store.commit(.drifted(Sample.key, to: new), at: Sample.time(2))
            try await store.commit(.newImage(Sample.key, new), at: Sample.time(3))
            func next(_ id: String, attempt: Int) -> InstanceRecord {
                var intent = Sample.intent(id, generation: 2, attempt: attempt, port: 20_002)
                intent.image = new
                return intent
            }
            let exit = Sample.exit(.neverStarted)
            let failing = next("0197a000-0000-7000-8000-0000000000c1", attempt: 0)
            _ = try await store.begin(failing, cause: "test", startSlots: 9, at: Sample.time(4))
            try await store.commit(.exited(failing.id, exit, backoff: nil, endsDemand: false), at: Sample.time(5))
            var model = try await store.model(Sample.key)?.model
            try expectEqual(model?.drift, new)
            try expectEqual(model?.followsDrift, true)
            let good = next("0197a000-0000-7000-8000-0000000000c2", attempt: 1)
            _ = try await store.begin(good, cause: "test", startSlots: 9, at: Sample.time(6))
            try await store.commit(.exited(id, exit, backoff: nil, endsDemand: false), at: Sample.time(7))
            model = try await store.model(Sample.key)?.model
            try expectEqual(model?.drift, nil)
            try expectEqual(model?.followsDrift, false)
        },
        StoreRule("what is swept concerns no model") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            let before = try await store.models()
            try await store.commit(.swept("container modelet-x was left behind"), at: Sample.time(1))
            try expectEqual(try await store.models(), before)
        },
    ]
}
