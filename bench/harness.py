"""What the benchmarks share: processes that end with the script, free ports, and questions over HTTP."""

import contextlib
import http.client
import math
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Below the kernel's ephemeral ports, so that no outgoing connection takes one first, and above modelet's own range.
PORTS = range(31000, 32700)
# How long a server may take to answer for the first time, or to end when told to, in seconds.
START_LIMIT = 60
STOP_LIMIT = 15


class BenchError(Exception):
    """Something that the user should read as a sentence."""


class Stage:
    """A temporary folder, and the processes that were started in it; all of them end with it, whatever happens."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="modelet-bench-"))
        self.processes = []
        self.ports = iter(PORTS)
        # All that is started inherits it: with 256 connections to both sides, 1024 may not be enough.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(130))
        return self

    def __exit__(self, kind, error, _):
        # A second interrupt must not leave processes behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if isinstance(error, BenchError):
            for process in self.processes:
                self.show_log(process)
        for process in reversed(self.processes):
            self.stop(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, command, environment=None):
        """Starts a process whose output goes to a log that is shown if the run fails."""
        log = self.folder / f"{name}.log"
        with open(log, "ab") as output:
            process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                cwd=self.folder, start_new_session=True, env={**os.environ, **(environment or {})})
        process.name, process.log = name, log
        self.processes.append(process)
        return process

    def stop(self, process):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                # Its session is its own, so nothing but what it started is meant.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def end(self, process):
        """Stops a process that is needed no longer."""
        self.stop(process)
        self.processes.remove(process)

    def free_port(self):
        for port in self.ports:
            with socket.socket() as probe:
                with contextlib.suppress(OSError):
                    probe.bind(("127.0.0.1", port))
                    return port
        raise BenchError(f"no port from {PORTS.start} to {PORTS.stop - 1} is free")

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def await_answer(self, process, port, path, body=None, status=200):
        """Asks until `status` is answered; fails at once where the process has ended."""
        deadline = time.monotonic() + START_LIMIT
        last = "no connection"
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise BenchError(f"{process.name} ended with {process.returncode} before it answered")
            try:
                last, answer = ask(port, path, body)
                if last == status:
                    return
                last = f"{last}: {answer[:200]!r}"
            except (OSError, http.client.HTTPException) as error:
                last = error
            time.sleep(0.02)
        raise BenchError(f"{process.name} did not answer {path} with {status} in {START_LIMIT} s, but: {last}")

    def show_log(self, process):
        lines = process.log.read_text(errors="replace").splitlines()[-20:]
        if lines:
            print(f"--- last lines of {process.name}:", *lines, sep="\n    ", file=sys.stderr)

    def start_modelet(self, binary, listen, name="", environment=None):
        """Serves the manifests that have been written below `manifests/`; the state lies beside them. A `name` tells
        several of them apart: theirs are `manifests-NAME` and `state-NAME`."""
        suffix = f"-{name}" if name else ""
        command = [
            binary, "serve", "--manifests", self.folder / f"manifests{suffix}", "--state", self.folder / f"state{suffix}",
            "--listen", f"127.0.0.1:{listen}"]
        admin = {"MODELET_ADMIN": f"127.0.0.1:{self.free_port()}"}
        return self.start(f"modelet{suffix}", command, {**admin, **(environment or {})})

    @property
    def admin_socket(self):
        return self.folder / "state" / "modelet.sock"


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(where, path, body=None, timeout=30):
    """One request on a connection of its own, to a port or to a Unix socket: status and body of the answer."""
    if isinstance(where, int):
        connection = http.client.HTTPConnection("127.0.0.1", where, timeout=timeout)
    else:
        connection = UnixConnection(where, timeout)
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def program(name, package):
    """The path of a program, searched where daemons lie too."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        raise BenchError(f"{name} is missing: apt-get install {package}")
    return path


def modelet_binary(path):
    if not os.access(path, os.X_OK):
        raise BenchError(f"{path} is missing: swift build -c release")
    return Path(path).resolve()


def warn_of_load():
    """Says so where the machine is busy with something else."""
    load = os.getloadavg()[0]
    if load > os.cpu_count() / 4:
        print(f"warning: the load average is {load:.1f}; what else runs here is measured too", file=sys.stderr)


def resident(pid, children=True):
    """Resident memory in MiB of a process, with or without its children, and how many processes that is."""
    pids = [pid] + (children_of(pid) if children else [])
    kib = 0
    for each in pids:
        for line in Path(f"/proc/{each}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                kib += int(line.split()[1])
    return kib / 1024, len(pids)


def children_of(pid):
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(entry.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.parent.name))
    return found


def processor_seconds(pid):
    """Processor time that a process has taken since it began, of threads that have ended, too; exact to the nanosecond."""
    # The kernel's clock of a process: MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) of its posix-timers.h.
    return time.clock_gettime((~pid << 3) | 2)


def wake_ups(pid):
    """For each thread of a process, how often it has gone to sleep, and so has been woken up, since it began."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in (task / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches:"):
                    found[task.name] = int(line.split()[1])
    return found


def print_targets(checks):
    """Prints a line for each pair of a sentence and whether it is so; returns whether all are."""
    print("\ntargets")
    for text, met in checks:
        print(f"  {'met   ' if met else 'missed'}  {text}")
    return all(met for _, met in checks)


def percentile(values, share):
    """The least value that is not exceeded by `share` of all."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def main(run):
    """Runs a benchmark; what went wrong is a sentence, and exit code 1."""
    try:
        sys.exit(run())
    except BenchError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
