/// Models of which each waits for a port that the next one serves on, and the last one for that of the first: as where two
/// exchange their ports in one edit. None of them would ever be started, since each serves on until its successor is ready.
/// - Parameters:
///   - waiting: the port that each model waits for.
///   - serving: the ports of instances that are not on their way out, and whose they are.
/// - Returns: the models, from `key` on; `nil` where it is in no such circle.
package func portCycle(of key: ModelKey, waiting: [ModelKey: Int], serving: [Int: ModelKey]) -> [ModelKey]? {
    var cycle = [key]
    var last = key
    while let port = waiting[last], let next = serving[port] {
        if next == key { return cycle.count > 1 ? cycle : nil }
        // Somebody waits for a circle that he is not part of.
        if cycle.contains(next) { return nil }
        cycle.append(next)
        last = next
    }
    return nil
}
