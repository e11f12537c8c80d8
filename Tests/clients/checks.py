"""What the checks share. Each is called with modelet's own URL, prints what it found wrong, and exits with 1 then."""

import sys

BASE = sys.argv[1] if len(sys.argv) > 1 else ""
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def at(source, path="predict"):
    """The URL of a model's own path."""
    return f"{BASE}/upstream/test/{source}/default/{path}"


def predict(source):
    return f"{BASE}/orchestrator/test/{source}"


def same(found, expected, what):
    if found != expected:
        raise AssertionError(f"{what}: expected {expected!r:.300}, found {found!r:.300}")


def run():
    failed = 0
    for each in CHECKS:
        try:
            each()
            print(f"ok {each.__name__}")
        except Exception as error:
            failed += 1
            print(f"FAILED {each.__name__}: {type(error).__name__}: {error}")
    sys.exit(1 if failed else 0)
