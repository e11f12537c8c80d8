"""The configurations of what is measured side by side: nginx, HAProxy and Caddy as proxies, nginx as the upstream."""

import os

# What the upstream answers to everything.
ANSWER = '{"prediction":0.5}'
# The path under which every proxy serves, and the one that it asks the upstream for.
PUBLIC_PATH = "/orchestrator/bench/noop"
UPSTREAM_PATH = "/predict"
# Enough that no connection is closed for its number of requests while it is measured.
KEEPALIVE_REQUESTS = 1_000_000_000
# Connections that each server may have: the most that are measured, towards both sides, for every proxy at once.
CONNECTIONS = 4096
# Idle connections that a proxy (nginx: each worker) keeps to its upstream: as many as can be measured at once, so that
# nobody opens a connection while it is measured.
IDLE_CONNECTIONS = 512


def nginx(folder, workers, server):
    """A whole nginx.conf that touches nothing outside `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = "\n".join(
        f"    {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    return f"""{user}
daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections {CONNECTIONS}; }}
http {{
    access_log off;
    keepalive_requests {KEEPALIVE_REQUESTS};
{temporary}
{server}
}}
"""


def nginx_upstream(folder, port, workers=1):
    return nginx(folder, workers, f"""
    server {{
        listen 127.0.0.1:{port};
        default_type application/json;
        location / {{ return 200 '{ANSWER}'; }}
    }}""")


def nginx_proxy(folder, port, upstream, options=""):
    """`options` are further directives of the location."""
    return nginx(folder, 2, f"""
    upstream noop {{
        server 127.0.0.1:{upstream};
        keepalive {IDLE_CONNECTIONS};
        keepalive_requests {KEEPALIVE_REQUESTS};
    }}
    server {{
        listen 127.0.0.1:{port};
        location {PUBLIC_PATH} {{
            proxy_pass http://noop{UPSTREAM_PATH};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            {options}
        }}
    }}""")


# Has nginx set the headers that modelet sets: an upstream and a client take time for each of them, too.
NGINX_HEADERS = """
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Request-Id $request_id;
            proxy_set_header traceparent 00-$request_id-00f067aa0ba902b7-00;
            add_header X-Modelet-Model bench/noop/default;
            add_header X-Modelet-Served-By remote;
            add_header X-Request-Id $request_id;"""


def haproxy(port, upstream):
    return f"""global
    nbthread 2
    maxconn {CONNECTIONS}

defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    option http-keep-alive
    http-reuse always

frontend bench
    bind 127.0.0.1:{port}
    http-request set-path {UPSTREAM_PATH} if {{ path {PUBLIC_PATH} }}
    default_backend noop

backend noop
    server noop 127.0.0.1:{upstream}
"""


def caddy(port, upstream):
    """No admin API, no access log, no TLS, no HTTP/2 or /3, nothing compressed: what the others do not do either."""
    return f"""{{
    admin off
    auto_https off
    log {{
        level WARN
    }}
    servers {{
        protocols h1
    }}
}}

http://:{port} {{
    bind 127.0.0.1
    rewrite {PUBLIC_PATH} {UPSTREAM_PATH}
    reverse_proxy 127.0.0.1:{upstream} {{
        transport http {{
            compression off
            keepalive 60s
            keepalive_idle_conns_per_host {IDLE_CONNECTIONS}
        }}
    }}
}}
"""


def manifest(upstream, local=None):
    """The upstream as an HTTP model and, where asked for, another nginx of the same kind as a local artifact that
    modelet runs: `local` is its command and its port."""
    text = f"""domain: bench
ml:
  sources:
    noop:
      base_url: "http://127.0.0.1:{upstream}"
      models:
        default:
          endpoint: "{UPSTREAM_PATH}"
"""
    if local is None:
        return text
    command, port = local
    return text + f"""    local:
      models:
        default:
          endpoint: "{UPSTREAM_PATH}"
          load: eager
          source:
            type: local_artifact
            path: ./local
            startup_command: "{command}"
            host: 127.0.0.1
            port: {port}
"""
