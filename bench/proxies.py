"""What is measured side by side, started: the upstream, and all that may stand in front of it."""

import subprocess
from dataclasses import dataclass, field

import servers
from harness import program, resident

BODY = '{"feature1": 0.5, "feature2": 0.8}'


@dataclass
class Target:
    name: str
    port: int
    path: str
    process: subprocess.Popen
    rounds: list = field(default_factory=list)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{self.path}"

    def resident(self):
        """Resident memory in MiB. The children of a proxy work with it; those of modelet are models."""
        return resident(self.process.pid, children=not self.name.startswith("modelet"))[0]


def start_upstream(stage, name="upstream"):
    port = stage.free_port()
    folder = stage.folder / name
    config = stage.write(f"{name}/nginx.conf", servers.nginx_upstream(folder, port))
    process = stage.start(name, [program("nginx", "nginx"), "-p", folder, "-c", config])
    stage.await_answer(process, port, servers.UPSTREAM_PATH)
    return Target(name, port, servers.UPSTREAM_PATH, process)


def start_nginx(stage, upstream, options="", environment=None, name="nginx"):
    port = stage.free_port()
    folder = stage.folder / name.replace(", ", "-")
    config = stage.write(folder / "nginx.conf", servers.nginx_proxy(folder, port, upstream, options))
    process = stage.start(folder.name, [program("nginx", "nginx"), "-p", folder, "-c", config], environment)
    return answering(stage, name, port, process)


def start_haproxy(stage, upstream, environment=None):
    port = stage.free_port()
    config = stage.write("haproxy/haproxy.cfg", servers.haproxy(port, upstream))
    process = stage.start("haproxy", [program("haproxy", "haproxy"), "-db", "-f", config], environment)
    return answering(stage, "haproxy", port, process)


def start_caddy(stage, upstream):
    port = stage.free_port()
    config = stage.write("caddy/Caddyfile", servers.caddy(port, upstream))
    # As many threads as the others have, and nothing written outside of the stage's folder.
    environment = {"GOMAXPROCS": "2", "HOME": str(config.parent), "XDG_DATA_HOME": str(config.parent)}
    command = [program("caddy", "caddy"), "run", "--config", config, "--adapter", "caddyfile"]
    return answering(stage, "caddy", port, stage.start("caddy", command, environment))


def start_modelet(stage, binary, upstream, environment=None):
    """modelet with the upstream as its only model."""
    stage.write("manifests/bench.yaml", servers.manifest(upstream))
    port = stage.free_port()
    return answering(stage, "modelet", port, stage.start_modelet(binary, port, environment=environment))


def start_modelet_with_local(stage, binary, upstream):
    """modelet with the upstream as one model, and as another an nginx of the same kind that modelet runs itself."""
    folder = stage.folder / "manifests" / "local"
    command, port = f"{program('nginx', 'nginx')} -p {folder} -c {folder}/nginx.conf", stage.free_port()
    stage.write("manifests/local/nginx.conf", servers.nginx_upstream(folder, port))
    stage.write("manifests/bench.yaml", servers.manifest(upstream, (command, port)))
    port = stage.free_port()
    process = stage.start_modelet(binary, port)
    return [
        answering(stage, "modelet", port, process),
        answering(stage, "modelet, local", port, process, "/orchestrator/bench/local")]


def answering(stage, name, port, process, path=servers.PUBLIC_PATH):
    """The target, once it answers."""
    stage.await_answer(process, port, path, BODY)
    return Target(name, port, path, process)
