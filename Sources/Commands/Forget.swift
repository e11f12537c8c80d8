import ArgumentParser
import ControlPlane
import ModelCore
import Reconciler
import StateStore

struct Forget: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give up an instance that is unknown, so that its model goes on without it.",
        discussion: """
            An instance is unknown while it can be neither found nor proved gone: its engine is another one than answers \
            now, say, or hangs. It is neither signalled nor replaced then, and mended best by giving modelet back what it \
            needs to look. Where that cannot be, this ends modelet's claim on it; `modelet status` shows the command. \
            What may still run of it is not ended now. A container of it is stopped when modelet has seen it for a minute.
            """)

    @Argument(help: ArgumentHelp("The instance's id, or the beginning of it.", valueName: "instance"))
    var instance: String
    @OptionGroup var state: StateOptions

    func run() async throws {
        // It becomes a part of a path, too.
        guard !instance.isEmpty, instance.utf8.allSatisfy(Self.isOfIDs) else {
            throw CommandFailure(try hint(), status: ExitStatus.usage)
        }
        let forgotten: ForgottenInstance
        do throws(ClientError) {
            forgotten = try await state.client.forget(instance, by: operatorName)
        } catch .noDaemon {
            forgotten = try await record(instance)
        } catch {
            throw CommandFailure(error, directory: state.directory)
        }
        Console.print("forgot instance \(forgotten.instance) of \(forgotten.model); \(forgotten.leftover)")
    }

    private static func isOfIDs(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// Of a model, the instance that was probably meant.
    private func hint() throws -> String {
        let mistake = "'\(instance)' is not the id of an instance"
        guard let key = ModelKey(instance), let snapshot = try readState(state.directory) else { return mistake }
        let unknown = snapshot.models.flatMap(\.instances).first { $0.key == key && $0.unknownReason != nil }
        return mistake + (unknown.map { "; the one of \(key) that is unknown is \($0.id)" } ?? "")
    }

    /// Without a daemon: takes the lock, so that none can start meanwhile, and records.
    private func record(_ instance: String) async throws -> ForgottenInstance {
        guard try readState(state.directory) != nil else {
            throw CommandFailure(StateReader(StateDirectory(state.directory)).nothingHere)
        }
        let opened = try OpenedState(directory: state.directory)
        defer { opened.close() }
        do throws(ControlError) {
            return try await InstanceForgetting(store: opened.store).forget(
                instance, by: operatorName, at: SystemTime().now())
        } catch {
            throw CommandFailure(error)
        }
    }
}
