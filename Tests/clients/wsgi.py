"""A model server as people write them with WSGI."""

import json


def app(environ, start_response):
    body = environ["wsgi.input"].read()
    answer = json.dumps({"path": environ["PATH_INFO"], "bytes": len(body)}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]
