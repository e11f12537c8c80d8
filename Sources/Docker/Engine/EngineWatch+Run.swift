extension EngineWatch {
    /// Watches until the task is cancelled. The owner of the watch runs it once, in a task that it awaits.
    package func run() async {
        var pause = times.firstRetry
        while !Task.isCancelled {
            let watched = await watchOnce()
            if Task.isCancelled { return }
            if watched.wasHealthy {
                // A first failure after good times is looked into at once: an engine that closed its stream and
                // answers is there.
                pause = times.firstRetry
                continue
            }
            lost(watched.end)
            guard (try? await Task.sleep(for: pause)) != nil else { return }
            pause = min(pause * 2, times.lastRetry)
        }
    }

    /// How a watch ended.
    private struct Watched: Sendable {
        var end: EngineError
        /// Whether the stream ended though the engine had answered a ping after it stood.
        var wasHealthy = false
    }

    private enum Ended: Sendable {
        case stream(EngineError)
        case pings(EngineError, good: Int)
    }

    /// Opens the stream of events, says that the engine is there, and hands on events until the stream ends or a ping
    /// fails.
    private func watchOnce() async -> Watched {
        let events: EngineEvents
        do throws(EngineError) {
            // It may be another engine than the last time.
            engine.forgetVersion()
            events = try await engine.events(labels: labels, images: true)
        } catch {
            return Watched(end: error)
        }
        // Not before the stream stands: what happens from here on is told by it.
        found()
        return await withTaskGroup(of: Ended.self) { group in
            group.addTask { .stream(await self.handOn(events)) }
            group.addTask { await self.pingUntilFailure() }
            let first = await group.next()
            group.cancelAll()
            let second = await group.next()
            switch (first, second) {
            case (.stream(let end), .pings(_, let good)): return Watched(end: end, wasHealthy: good > 0)
            case (.pings(let end, _), _): return Watched(end: end)
            default: return Watched(end: .cancelled("GET /events"))
            }
        }
    }

    private func handOn(_ events: EngineEvents) async -> EngineError {
        do throws(EngineError) {
            for try await event in events { tell(event) }
            return .unreachable("the engine at \(engine.address) closed its stream of events: was it stopped?")
        } catch {
            return error
        }
    }

    private func pingUntilFailure() async -> Ended {
        var good = 0
        while true {
            do {
                try await Task.sleep(for: times.interval)
            } catch {
                return .pings(.cancelled("GET /_ping"), good: good)
            }
            do throws(EngineError) {
                _ = try await engine.ping()
                good += 1
            } catch {
                return .pings(error, good: good)
            }
        }
    }
}
