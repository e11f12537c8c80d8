"""A model server as people write them with ASGI: JSON, server-sent events, streams both ways, trailers of bytes, WebSocket."""

import asyncio
import hashlib
import json


async def body_of(receive):
    while True:
        message = await receive()
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def start(send, status=200, kind=b"application/json", *headers):
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind), *headers]})


async def predict(receive, send):
    body = b"".join([part async for part in body_of(receive)])
    answer = json.dumps({"echo": json.loads(body or b"null")}).encode()
    await start(send, 200, b"application/json", (b"content-length", str(len(answer)).encode()))
    await send({"type": "http.response.body", "body": answer})


async def digest(receive, send):
    """Reads a body of any length and says what it was."""
    total, sha = 0, hashlib.sha256()
    async for part in body_of(receive):
        total += len(part)
        sha.update(part)
    await start(send)
    await send({"type": "http.response.body", "body": json.dumps({"bytes": total, "sha256": sha.hexdigest()}).encode()})


EVENT_SEEN = asyncio.Semaphore(0)


async def seen(receive, send):
    """A client says that it has seen an event."""
    EVENT_SEEN.release()
    await no_content(receive, send)


async def events(receive, send):
    """Five events; each only once the client has seen the one before."""
    async for _ in body_of(receive):
        pass
    await start(send, 200, b"text/event-stream")
    for number in range(5):
        await send({"type": "http.response.body", "body": f"data: {number}\n\n".encode(), "more_body": True})
        await EVENT_SEEN.acquire()
    await send({"type": "http.response.body", "body": b""})


async def big(receive, send):
    """64 MiB, chunked."""
    async for _ in body_of(receive):
        pass
    await start(send, 200, b"application/octet-stream")
    for number in range(1024):
        await send({"type": "http.response.body", "body": bytes([number % 251]) * 65536, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def broken(receive, send):
    """Promises more than it sends, and ends."""
    async for _ in body_of(receive):
        pass
    await start(send, 200, b"application/octet-stream", (b"content-length", b"1000000"))
    await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
    raise RuntimeError("broken off on purpose")


async def no_content(receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def nothing_here(receive, send):
    await start(send, 404)
    await send({"type": "http.response.body", "body": b'{"detail": "no such path"}'})


async def socket(scope, receive, send):
    await receive()
    protocol = "chat" if "chat" in scope.get("subprotocols", []) else None
    await send({"type": "websocket.accept", "subprotocol": protocol})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") == "close me":
            await send({"type": "websocket.close", "code": 4001, "reason": "as you wish"})
            return
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})


PATHS = {
    "/predict": predict, "/digest": digest, "/events": events, "/big": big, "/broken": broken, "/none": no_content,
    "/seen": seen}


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["type"] == "websocket":
        return await socket(scope, receive, send)
    await PATHS.get(scope["path"], nothing_here)(receive, send)
