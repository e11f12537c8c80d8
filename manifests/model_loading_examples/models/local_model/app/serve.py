"""Serves model.pkl over HTTP: `python -m app.serve --model_path ./model.pkl --port 8501`, standard library only.

    POST /predict   {"feature1": 0.5, "feature2": 0.8}   →   {"prediction": 1, "probability": 0.983189}
    GET  /          200 once the model is loaded

Port 0 takes a free port; the first line of output names it. SIGTERM ends the program at once, since whoever stops a
model server (modelet does) lets the requests in flight finish first.
"""

import argparse
import json
import os
import signal
import socketserver
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from app.model import Model

MAX_BODY_BYTES = 64 << 10  # a request holds two numbers
IDLE_SECONDS = 60  # a kept connection without a request is closed, so that its thread ends


def main():
    parser = argparse.ArgumentParser(prog="app.serve", description="Serve a pickled logistic regression.")
    parser.add_argument("--model_path", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    arguments = parser.parse_args()
    try:
        Handler.model = Model.load(arguments.model_path)
    except Exception as error:  # a damaged pickle raises nearly anything
        sys.exit(f"cannot load the model {arguments.model_path}: {error}")
    try:
        server = Server((arguments.host, arguments.port), Handler)
    except (OSError, OverflowError) as error:
        sys.exit(f"cannot listen on {arguments.host} port {arguments.port}: {error}")
    # Not sys.exit: an interpreter that shuts down beside threads that are still writing may abort.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print(f"serving {arguments.model_path} on http://{arguments.host}:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # Python's default, 5, refuses the burst after a cold start

    def server_bind(self):
        # HTTPServer's own asks the resolver for this host's full name, which can take seconds and is never needed.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept
    disable_nagle_algorithm = True  # an answer never waits for the acknowledgement of the last one
    timeout = IDLE_SECONDS
    model = None

    def do_GET(self):
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body that stays unread must not be taken for the next request
        if self.path.partition("?")[0] == "/":
            self.reply(200, {"status": "ok", "features": self.model.features})
        else:
            self.reply(404, {"error": "here are POST /predict and GET /"})

    def do_POST(self):
        length = self.body_length()
        if length is None:
            self.close_connection = True  # as in do_GET
            return self.reply(400, {"error": f"send a body with a Content-Length of at most {MAX_BODY_BYTES}"})
        body = self.rfile.read(length)
        if self.path.partition("?")[0] != "/predict":
            return self.reply(404, {"error": "here are POST /predict and GET /"})
        try:
            self.reply(200, self.model.predict(self.model.row(json.loads(body))))
        except (ValueError, RecursionError) as error:  # JSON's own errors are ValueErrors
            self.reply(400, {"error": f"not a request for a prediction: {error}"})

    def body_length(self):
        text = self.headers.get("Content-Length", "")
        plain = "Transfer-Encoding" not in self.headers and text.isascii() and text.isdigit()
        fits = plain and len(text) <= len(str(MAX_BODY_BYTES)) and int(text) <= MAX_BODY_BYTES
        return int(text) if fits else None

    def reply(self, status, value):
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    main()
