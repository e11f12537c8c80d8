import ModelCore
import Reconciler

extension ExitRecord.Kind {
    /// The exit code or the signal, where there is one.
    var words: String? {
        switch self {
        case .exited(let code): "code \(code)"
        case .signaled(let signal): "signal \(signal)"
        case .notExecuted, .neverStarted, .lost: nil
        }
    }
}

extension DecisionReport {
    /// What is to be done, as a clause.
    func deed(for model: ModelRecord) -> String {
        let instance = instance?.text ?? ""
        switch step {
        case "start": return "start an instance of generation \(model.generation)"
        case "restore": return "start again what was ready last, in place of generation \(model.generation)"
        case "switch": return "send predictions to \(instance)"
        case "unroute": return "take \(instance) out of the route"
        case "drain": return "take \(instance) out of the route, and let its requests finish"
        case "unload": return "unload \(instance)"
        case "stop": return "stop \(instance)"
        case "give_up": return "give up the load of \(instance)"
        case "forget_backoff": return "forget earlier failures"
        case "remove": return "forget the model"
        default: return "\(step ?? "a step") \(instance)"
        }
    }
}
