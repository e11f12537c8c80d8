"""`websockets`, through an upgrade."""

import asyncio

import websockets
from checks import BASE, at, check, run, same

URL = at("asgi", "socket").replace("http://", "ws://")


def session(talk, **options):
    async def whole():
        async with websockets.connect(URL, max_size=None, **options) as socket:
            await talk(socket)

    asyncio.run(asyncio.wait_for(whole(), 60))


@check
def echoes_text_and_bytes():
    async def talk(socket):
        for number in range(1000):
            await socket.send(f"message {number}")
            same(await socket.recv(), f"message {number}", "text")
        large = bytes(range(256)) * 16384
        await socket.send(large)
        same(await socket.recv() == large, True, "4 MiB of bytes came back as they went")

    session(talk)


@check
def agrees_on_a_subprotocol():
    async def talk(socket):
        same(socket.subprotocol, "chat", "subprotocol")

    session(talk, subprotocols=["chat"])


@check
def answers_pings():
    async def talk(socket):
        await (await socket.ping())

    session(talk)


@check
def passes_the_servers_close():
    async def talk(socket):
        await socket.send("close me")
        try:
            await socket.recv()
        except websockets.ConnectionClosed as closed:
            same((closed.rcvd.code, closed.rcvd.reason), (4001, "as you wish"), "close")
            return
        raise AssertionError("not closed")

    session(talk)


@check
def talks_on_many_sockets_at_once():
    async def one(number):
        async with websockets.connect(URL) as socket:
            for turn in range(20):
                await socket.send(f"{number}.{turn}")
                same(await socket.recv(), f"{number}.{turn}", "text")

    async def all_of_them():
        await asyncio.gather(*(one(number) for number in range(50)))

    asyncio.run(asyncio.wait_for(all_of_them(), 60))


run()
