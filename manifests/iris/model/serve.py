#!/usr/bin/env python3
"""Serves the iris classifier over HTTP, with nothing but Python's standard library.

    POST /predict   {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
    POST /predict   {"instances": [{...}, {...}]}
    GET  /health

Port 0 takes a free port; the first line of output names it. SIGTERM ends the program at once, since whoever stops a
model server (modelet does) lets the requests in flight finish first.
"""

import argparse
import json
import os
import pathlib
import signal
import socketserver
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from classifier import Classifier

DEFAULT_MODEL = pathlib.Path(__file__).parent / "model.json"
MAX_BODY_BYTES = 1 << 20  # about ten thousand flowers
IDLE_SECONDS = 60  # a kept connection without a request is closed, so that its thread ends
BACKLOG = 128  # connections that may wait; Python's own default, 5, refuses the burst after a cold start


def main():
    arguments = parse_arguments()
    try:
        classifier = Classifier.load(arguments.model)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"cannot load the model {arguments.model}: {error}")
    try:
        server = Server((arguments.host, arguments.port), Handler)
    except (OSError, OverflowError) as error:
        sys.exit(f"cannot listen on {arguments.host} port {arguments.port}: {error}")
    server.classifier = classifier
    # Not sys.exit: an interpreter that shuts down beside threads that are still writing may abort.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print(f"serving {arguments.model} on http://{arguments.host}:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


def parse_arguments():
    parser = argparse.ArgumentParser(description="Serve the iris classifier.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a model.json as train.py writes it")
    return parser.parse_args()


class Refusal(Exception):
    """A request that cannot be answered: an HTTP status and a sentence that says why."""

    def __init__(self, status, sentence):
        super().__init__(sentence)
        self.status = status


class Server(ThreadingHTTPServer):
    request_queue_size = BACKLOG

    def server_bind(self):
        # HTTPServer's own asks the resolver for this host's full name, which can take seconds and is never needed.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept
    disable_nagle_algorithm = True  # TCP_NODELAY: an answer never waits for the acknowledgement of the last one
    wbufsize = -1  # head and body leave in one write
    timeout = IDLE_SECONDS

    def do_GET(self):
        self.answer(self.get)

    def do_POST(self):
        self.answer(self.post)

    def answer(self, method):
        try:
            # Read in any case: what is left unread would be taken for the connection's next request.
            body = self.read_body()
            self.reply(HTTPStatus.OK, method(self.path.partition("?")[0], body))
        except Refusal as refusal:
            self.log_error("%s: %s", self.requestline, refusal)
            self.reply(refusal.status, {"error": str(refusal)})

    def get(self, path, _):
        if path == "/health":
            return {"status": "ok", "classes": self.server.classifier.classes}
        if path == "/predict":
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "predictions are asked for with POST")
        raise Refusal(HTTPStatus.NOT_FOUND, "here are POST /predict and GET /health")

    def post(self, path, body):
        if path != "/predict":
            raise Refusal(HTTPStatus.NOT_FOUND, "here are POST /predict and GET /health")
        try:
            return predictions(self.server.classifier, json.loads(body))
        except json.JSONDecodeError as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {error}") from None
        except RecursionError:
            raise Refusal(HTTPStatus.BAD_REQUEST, "the body is nested too deeply") from None
        except ValueError as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, str(error)) from None

    def read_body(self):
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "send a Content-Length, not a Transfer-Encoding")
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            self.close_connection = True
            raise Refusal(HTTPStatus.BAD_REQUEST, "Content-Length is not a number")
        if len(length) > len(str(MAX_BODY_BYTES)) or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {MAX_BODY_BYTES} bytes")
        return self.rfile.read(int(length))

    def reply(self, status, value):
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "POST")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code, message=None, explain=None):
        # What http.server refuses by itself (a malformed request line, an unknown method), as JSON like the rest.
        self.close_connection = True
        sentence = message or HTTPStatus(code).phrase
        self.log_error("%s", sentence)
        self.reply(code, {"error": sentence})

    def handle_expect_100(self):
        going_on = super().handle_expect_100()
        self.wfile.flush()  # the client waits for this line before it sends the body
        return going_on

    def log_request(self, code="-", size="-"):
        pass  # answers are not worth a line each; refusals are logged with their reason


def predictions(classifier, request):
    if not isinstance(request, dict) or "instances" not in request:
        return classifier.predict(classifier.measurements(request))
    instances = request["instances"]
    if not isinstance(instances, list) or len(request) != 1:
        raise ValueError('"instances" is a list, and has no other key beside it')
    return {"predictions": [classifier.predict(row) for row in rows(classifier, instances)]}


def rows(classifier, instances):
    for index, instance in enumerate(instances):
        try:
            yield classifier.measurements(instance)
        except ValueError as error:
            raise ValueError(f"instances[{index}]: {error}") from None


if __name__ == "__main__":
    main()
