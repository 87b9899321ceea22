"""What the upstream of `faults` does when nothing else is the matter, and how it fails as a chat: by the model's name.

What goes wrong a layer below, in HTTP and in the bytes of a stream, stands in `scripts`.
"""

import asyncio

from faults import (
    BEHAVIOURS,
    FOREVER,
    HUGE_EVENT,
    HUGE_EVENTS,
    WORDS,
    Asked,
    behaviour,
    chunk,
    completion,
)


@behaviour("ok")
async def _ok(asked: Asked) -> bool:
    if not asked.streamed:
        return await asked.whole("200 OK", completion())
    await asked.begin()
    await asked.words(*WORDS)
    return await asked.finish()


@behaviour("slow")
async def _slow(asked: Asked) -> bool:
    """Take a second in all."""
    if not asked.streamed:
        await asyncio.sleep(1)
        return await asked.whole("200 OK", completion())
    await asked.begin()
    await asked.words(*WORDS, pause=0.2)
    return await asked.finish()


@behaviour("endless")
async def _endless(asked: Asked) -> bool:
    await asked.begin()
    while True:
        await asked.words(*WORDS, pause=0.02)


@behaviour("stall-midstream")
async def _stall_midstream(asked: Asked) -> bool:
    await asked.begin()
    await asked.words(*WORDS[:2])
    await asyncio.sleep(FOREVER)
    return False


@behaviour("reset-midstream")
async def _reset_midstream(asked: Asked) -> bool:
    await asked.begin()
    await asked.words(*WORDS[:2], pause=0.02)
    asked.writer.transport.abort()
    return False


@behaviour("cut-midstream")
async def _cut_midstream(asked: Asked) -> bool:
    """End the HTTP answer well, but not the chat's."""
    await asked.begin()
    await asked.words(*WORDS[:2])
    await asked.send(b"0\r\n\r\n")
    return True


@behaviour("cut-finished")
async def _cut_finished(asked: Asked) -> bool:
    """Leave out [DONE] after the finish reason: the answer is there."""
    await asked.begin()
    await asked.words(*WORDS)
    await asked.event(chunk({}, "stop"))
    await asked.send(b"0\r\n\r\n")
    return True


@behaviour("cut-whole")
async def _cut_whole(asked: Asked) -> bool:
    await asked.send(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + completion())
    return False


@behaviour("rubbish")
async def _rubbish(asked: Asked) -> bool:
    return await asked.whole("200 OK", b'{"id": "chatcmpl-1", oops')


@behaviour("rubbish-event")
async def _rubbish_event(asked: Asked) -> bool:
    """Send one event that can't be read among good ones."""
    await asked.begin()
    await asked.words(*WORDS[:2], pause=0.02)
    await asked.event(b"{oops")
    await asked.words(*WORDS[2:])
    return await asked.finish()


@behaviour("rubbish-cut")
async def _rubbish_cut(asked: Asked) -> bool:
    """Send an event that can't be read, and no end."""
    await asked.begin()
    await asked.words(*WORDS[:2], pause=0.02)
    await asked.event(b"{oops")
    await asked.send(b"0\r\n\r\n")
    return True


@behaviour("not-http")
async def _not_http(asked: Asked) -> bool:
    await asked.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    return False


@behaviour("html")
async def _html(asked: Asked) -> bool:
    return await asked.whole("200 OK", b"<html>Please log in</html>", media="text/html")


@behaviour("never-streams")
async def _never_streams(asked: Asked) -> bool:
    return await asked.whole("200 OK", completion())


@behaviour("empty")
async def _empty(asked: Asked) -> bool:
    return await asked.whole("200 OK", b"{}")


@behaviour("error-event")
async def _error_event(asked: Asked) -> bool:
    await asked.begin()
    await asked.words(*WORDS[:2], pause=0.02)
    await asked.event(b'{"error": {"message": "The model fell over.", "type": "server_error"}}')
    await asked.send(b"0\r\n\r\n")
    return True


@behaviour("no-usage")
async def _no_usage(asked: Asked) -> bool:
    if not asked.streamed:
        return await asked.whole("200 OK", completion(usage=None))
    await asked.begin()
    await asked.words(*WORDS)
    return await asked.finish(usage=False)


@behaviour("huge")
async def _huge(asked: Asked) -> bool:
    await asked.begin()
    for _ in range(HUGE_EVENTS):
        await asked.event(chunk({"content": "x" * HUGE_EVENT}))
    return await asked.finish()


@behaviour("500", "401", "403", "404", "503-after-60")
async def _status(asked: Asked) -> bool:
    status, _, _ = asked.model.partition("#")[0].partition("-")
    lines = ["retry-after: 60"] if asked.model.startswith("503-after-60") else []
    return await asked.refuse(f"{status} Status", *lines)


@behaviour("429", "503")
async def _busy(asked: Asked) -> bool:
    return await asked.refuse(f"{asked.model[:3]} Busy", "retry-after-ms: 20")


@behaviour("no-quota")
async def _no_quota(asked: Asked) -> bool:
    """Refuse as OpenAI does when its customer has not paid."""
    told = {"type": "insufficient_quota", "code": "insufficient_quota"}
    return await asked.refuse("429 Too Many Requests", message="You exceeded your current quota.", **told)


@behaviour("odd-429")
async def _odd_429(asked: Asked) -> bool:
    return await asked.refuse("429 Too Many Requests", code={"no": "text"}, type=["neither"])


@behaviour("400")
async def _bad_request(asked: Asked) -> bool:
    return await asked.refuse("400 Bad Request", param="messages", code="context_length_exceeded")


@behaviour("once-503", "once-html", "once-cut-early")
async def _once(asked: Asked) -> bool:
    """Fail the first time, answer the second."""
    if asked.turn > 1:
        return await _ok(asked)
    if asked.model.startswith("once-503"):
        return await _busy(Asked({"model": "503"}, asked.headers, asked.writer))
    if asked.model.startswith("once-html"):
        return await _html(asked)
    await asked.begin()
    asked.writer.transport.abort()
    return False


@behaviour("once-stall")
async def _once_stall(asked: Asked) -> bool:
    """Say nothing the first time, answer the second."""
    return await _ok(asked) if asked.turn > 1 else await BEHAVIOURS["stall-before-head"](asked)


@behaviour("tells-key", "refuses-key")
async def _tells_key(asked: Asked) -> bool:
    status = "500 Oops" if asked.model.startswith("tells") else "400 Bad Request"
    return await asked.refuse(status, message=f"What is {asked.headers['authorization'].split()[1]}?")
