"""`requests`, the client that most people use."""

import hashlib

import requests
from checks import at, check, predict, run, same


@check
def answers_json():
    answer = requests.post(predict("asgi"), json={"x": [1, 2, 3]}, timeout=30)
    same(answer.json(), {"echo": {"x": [1, 2, 3]}}, "answer")
    same(answer.headers["X-Modelet-Served-By"], "instance", "served by")


@check
def keeps_a_session():
    with requests.Session() as session:
        for number in range(300):
            same(session.post(predict("asgi"), json=number, timeout=30).json(), {"echo": number}, "answer")


@check
def uploads_a_generator_in_chunks():
    parts = [bytes([number % 256]) * 10_000 for number in range(500)]
    answer = requests.post(at("asgi", "digest"), data=iter(parts), timeout=60).json()
    whole = b"".join(parts)
    same(answer, {"bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}, "digest")


@check
def streams_a_big_answer():
    total, sha = 0, hashlib.sha256()
    with requests.get(at("asgi", "big"), stream=True, timeout=60) as answer:
        for part in answer.iter_content(1 << 20):
            total += len(part)
            sha.update(part)
    expected = hashlib.sha256(b"".join(bytes([number % 251]) * 65536 for number in range(1024)))
    same((total, sha.hexdigest()), (64 << 20, expected.hexdigest()), "big answer")


@check
def sees_a_broken_answer_as_broken():
    try:
        requests.get(at("asgi", "broken"), timeout=30)
    except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError):
        return
    raise AssertionError("a broken body passed for a whole one")


@check
def gets_answers_without_a_body():
    with requests.Session() as session:
        for _ in range(3):
            same(session.get(at("asgi", "none"), timeout=30).status_code, 204, "status")
            # Not allowed there, and answered by the model itself.
            same(session.head(at("asgi", "nowhere"), timeout=30).status_code, 404, "status of HEAD")


@check
def passes_a_models_own_errors():
    answer = requests.get(at("asgi", "nowhere"), timeout=30)
    same((answer.status_code, answer.json()), (404, {"detail": "no such path"}), "answer")


@check
def reaches_gunicorn():
    with requests.Session() as session:
        for number in range(100):
            answer = session.post(predict("wsgi"), data=b"x" * number, timeout=30).json()
            same(answer, {"path": "/predict", "bytes": number}, "answer")


run()
