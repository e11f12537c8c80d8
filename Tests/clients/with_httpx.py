"""`httpx`, many requests at once."""

import asyncio

import httpx
from checks import at, check, predict, run, same


@check
def answers_many_at_once():
    async def all_of_them():
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:
            answers = await asyncio.gather(*(client.post(predict("asgi"), json=number) for number in range(500)))
        same([answer.json() for answer in answers], [{"echo": number} for number in range(500)], "answers")

    asyncio.run(all_of_them())


@check
def sees_each_event_when_it_is_sent():
    arrivals = []
    with httpx.stream("GET", at("asgi", "events"), timeout=30) as answer:
        same(answer.headers["content-type"], "text/event-stream", "content type")
        for line in answer.iter_lines():
            if line:
                arrivals.append(line)
                # The server waits for this: were an event held back for the next one, neither would ever come.
                httpx.post(at("asgi", "seen"), timeout=30)
    same(arrivals, [f"data: {number}" for number in range(5)], "events")


@check
def streams_both_ways_asynchronously():
    async def parts():
        for number in range(200):
            yield bytes([number]) * 1000

    async def upload():
        async with httpx.AsyncClient(timeout=60) as client:
            return (await client.post(at("asgi", "digest"), content=parts())).json()

    same(asyncio.run(upload())["bytes"], 200_000, "bytes")


@check
def leaves_in_the_middle_and_comes_back():
    with httpx.Client(timeout=30) as client:
        for _ in range(10):
            with client.stream("GET", at("asgi", "big")) as answer:
                next(answer.iter_bytes())
        same(client.post(predict("asgi"), json="still there").json(), {"echo": "still there"}, "answer")


run()
