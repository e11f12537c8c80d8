"""Load from wrk, and what it and the processes say of it."""

import json
import statistics
import subprocess
import threading

from harness import BenchError, program
from proxies import BODY

# Between two looks at the memory of what is under load, in seconds.
LOOK = 0.5

# Prints one line of JSON: wrk's own figures, unrounded.
SCRIPT = """
wrk.method = "POST"
wrk.body = '%s'
wrk.headers["Content-Type"] = "application/json"

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '\\n{"requests": %%d, "microseconds": %%d, "p50": %%d, "p99": %%d, "failed": %%d, "refused": %%d}\\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
""" % BODY


class Load:
    """wrk with one thread, asking for predictions."""

    def __init__(self, stage):
        self.wrk = program("wrk", "wrk")
        self.script = stage.write("post.lua", SCRIPT)

    def measure(self, target, connections, seconds):
        """The figures of one load: rate a second, p50 and p99 in µs, and the most resident memory under it in MiB."""
        if target.process.poll() is not None:
            raise BenchError(f"{target.name} ended with {target.process.returncode} while it was measured")
        command = [
            self.wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(self.script), target.url]
        with Memory(target) as memory:
            run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
        lines = [line for line in run.stdout.splitlines() if line.startswith("{")]
        if run.returncode != 0 or not lines:
            raise BenchError(f"wrk failed on {target.url}: {run.stderr or run.stdout}")
        figures = json.loads(lines[-1])
        if figures["failed"] or figures["refused"] or not figures["requests"]:
            raise BenchError(f"{target.name} failed requests: {lines[-1]}")
        figures["rate"] = figures["requests"] * 1e6 / figures["microseconds"]
        figures["mib"] = memory.most
        return figures

    def rounds(self, targets, connections, rounds, seconds, warm_up):
        """Interleaved: in every round each target has its turn, so that what slows the machine slows all."""
        for target in targets:
            target.rounds = []
            if warm_up:
                self.measure(target, connections, warm_up)
        for number in range(rounds):
            # Another one begins each time: whoever follows whom must not decide.
            shift = number % len(targets)
            for target in targets[shift:] + targets[:shift]:
                target.rounds.append(self.measure(target, connections, seconds))


class Memory:
    """Looks at the resident memory of a target while it is under load."""

    def __init__(self, target):
        self.target = target
        self.most = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.look)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def look(self):
        while not self.ended.wait(LOOK) and self.target.process.poll() is None:
            self.most = max(self.most, self.target.resident())


def spread(values, digits=0):
    """Median, and from the least to the greatest."""
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:,.{digits}f} ({least:,.{digits}f}–{most:,.{digits}f})"


def ratios(target, other, figure="rate"):
    """Of a figure, round by round."""
    return [mine[figure] / theirs[figure] for mine, theirs in zip(target.rounds, other.rounds)]


def median_ratio(target, other, figure="rate"):
    return statistics.median(ratios(target, other, figure))
