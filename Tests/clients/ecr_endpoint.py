"""Answers ECR's GetAuthorizationToken as AWS does, as far as the AWS CLI looks at it: unlike moto, with registries of the
test's own for each region, tokens that are good for a time, and refusals in the words of AWS. Prints the port that it
listens on, and then a line for each token that it gives.

usage: ecr_endpoint.py LIFETIME REGION=HOST…

The access key DENIED may not do it, and EXPIRED has expired.
"""
import base64
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

ACCOUNT = "123456789012"
LIFETIME = float(sys.argv[1])
REGISTRIES = dict(word.split("=", 1) for word in sys.argv[2:])
REFUSALS = {
    "DENIED": ("AccessDeniedException", f"User: arn:aws:iam::{ACCOUNT}:user/reader is not authorized to perform: "
               "ecr:GetAuthorizationToken on resource: * because no identity-based policy allows the "
               "ecr:GetAuthorizationToken action"),
    "EXPIRED": ("ExpiredTokenException", "The security token included in the request is expired"),
}


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …
        key, _, region, _, _ = self.headers["Authorization"].split("Credential=")[1].split(",")[0].split("/")
        if key in REFUSALS:
            code, message = REFUSALS[key]
            self.answer(400, {"__type": code, "message": message})
        else:
            print(f"token for {key} in {region}", flush=True)
            token = base64.b64encode(f"AWS:{ACCOUNT}-auth-token".encode()).decode()
            self.answer(200, {"authorizationData": [{
                "authorizationToken": token, "expiresAt": time.time() + LIFETIME,
                "proxyEndpoint": "https://" + REGISTRIES[region],
            }]})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Endpoint)
print(server.server_port, flush=True)
server.serve_forever()
