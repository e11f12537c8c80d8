"""An upstream that closes idle connections at the moment they are used again: no request may be lost to it."""

import http.client
import random
import threading
from urllib.parse import urlsplit

from checks import check, predict, run, same

THREADS, REQUESTS = 8, 400


def ask_on_and_on(source, seed, statuses):
    pause = random.Random(seed)
    url = urlsplit(predict(source))
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    waiter = threading.Event()
    for _ in range(REQUESTS):
        connection.request("POST", url.path, b"{}", {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
        # Around the time after which the upstream closes.
        waiter.wait(pause.uniform(0, 0.012))
    connection.close()


def all_answered(source):
    statuses = []
    threads = [
        threading.Thread(target=ask_on_and_on, args=(source, seed, statuses)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(len(statuses), THREADS * REQUESTS, "answers")
    same(sorted(set(statuses)), [200], "statuses")


@check
def nginx_that_closes_after_some_milliseconds():
    all_answered("idle")


@check
def nginx_that_closes_after_three_requests():
    all_answered("three")


run()
