import HTTPTypes
import Hummingbird
import NIOCore
import Reconciler

/// What is wrong with a request in itself.
enum RequestFault: Error, Hashable, Sendable {
    /// A sentence that says what is wrong with the body.
    case badBody(String)
    case bodyTooLarge(limit: Int)
    /// The path names a model that cannot exist.
    case notAKey(String)
}

/// The body of every answer that is not a success.
struct ErrorReply: Codable, Hashable, Sendable {
    /// A sentence.
    var error: String
    /// One word for programs.
    var code: String
    /// The model that was probably meant.
    var suggestion: String?
}

/// Turns what handlers throw into answers: the one place that knows which error has which status.
///
/// Anything else closes the connection: it is the connection that failed, so nobody is there to be answered.
struct ErrorReplies: RouterMiddleware {
    typealias Context = AdminContext

    func handle(
        _ request: Request, context: AdminContext,
        next: @concurrent (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as ControlError {
            return try Self.reply(to: error)
        } catch let fault as RequestFault {
            return try Self.reply(to: fault)
        } catch is CancellationError {
            return try json(ErrorReply(error: "modelet is shutting down", code: "shutting_down"), .serviceUnavailable)
        } catch let error as HTTPError where error.status == .notFound {
            let message = "nothing answers \(request.method.rawValue) \(request.uri.path)"
            return try json(ErrorReply(error: message, code: "not_found"), .notFound)
        }
    }

    private static func reply(to error: ControlError) throws -> Response {
        let (code, status, suggestion): (String, HTTPResponse.Status, String?) =
            switch error {
            case .noSuchModel(_, let suggestion): ("no_such_model", .notFound, suggestion)
            case .noSuchInstance: ("no_such_instance", .notFound, nil)
            case .refused: ("refused", .conflict, nil)
            case .unavailable: ("unavailable", .serviceUnavailable, nil)
            }
        return try json(ErrorReply(error: error.message, code: code, suggestion: suggestion), status)
    }

    private static func reply(to fault: RequestFault) throws -> Response {
        switch fault {
        case .badBody(let message):
            return try json(ErrorReply(error: message, code: "bad_request"), .badRequest)
        case .bodyTooLarge(let limit):
            let message = "the body is larger than \(limit) bytes"
            return try json(ErrorReply(error: message, code: "body_too_large"), .contentTooLarge)
        case .notAKey(let text):
            let message = "there is no model \(text): that is no valid domain/source/model"
            return try json(ErrorReply(error: message, code: "no_such_model"), .notFound)
        }
    }
}
