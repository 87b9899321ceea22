"""The engine on real llama.cpp: loading, sharing, leaving, dying, closing."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from parley.engine import runner
from parley.engine.engine import Address, Engine
from parley.engine.shelf import Shelf
from parley.errors import NoSuchModel, ShuttingDown, UpstreamBroken

MODEL = "parley-mini"


def children() -> list[psutil.Process]:
    """Return the engine's children of this process."""
    return [child for child in psutil.Process().children() if ours(child)]


def ours(child: psutil.Process) -> bool:
    """Tell whether *child* is one of the engine's; a dead one that nobody has waited for counts."""
    try:
        return "parley.engine.child" in child.cmdline()
    except psutil.ZombieProcess:
        return True
    except psutil.NoSuchProcess:
        return False


async def until(true: Callable[[], bool]) -> None:
    """Wait until *true* says so, at most ten seconds."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - a process tells no event
            await asyncio.sleep(0.02)


async def ask(address: Address, path: str, body: dict[str, object], secret: str | None = None) -> dict[str, object]:
    """Return what the model at *address* answers."""
    request = urllib.request.Request(
        f"http://{address.host}:{address.port}{path}",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {secret or address.secret}"},
    )

    def call() -> dict[str, object]:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
            found: dict[str, object] = json.load(answer)
            return found

    return await asyncio.to_thread(call)


HELLO = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}


async def test_a_model_loads_on_first_use(engine: Engine) -> None:
    """Nothing is loaded before the first use; in it the model answers, under its name."""
    assert engine.loaded() == []
    async with engine.use(MODEL) as address:
        answer = await ask(address, "/v1/chat/completions", HELLO)
    assert answer["model"] == MODEL
    assert engine.loaded() == [MODEL]


async def test_the_embed_purpose_embeds(engine: Engine) -> None:
    """For the purpose `embed` the model answers with vectors."""
    async with engine.use(MODEL, "embed") as address:
        answer = await ask(address, "/v1/embeddings", {"input": ["one", "two"]})
    assert len(answer["data"]) == 2  # type: ignore[arg-type]


async def test_the_context_is_that_of_one_call(make_engine: Callable[..., Engine]) -> None:
    """However many calls run at once, each gets the whole context that the address tells."""
    async with make_engine(parallel=3, context=512).use(MODEL) as address:
        assert (address.context, address.parallel, address.vision) == (512, 3, False)


async def test_too_long_a_prompt_is_told(make_engine: Callable[..., Engine]) -> None:
    """A prompt beyond the context is refused with 400 and both counts."""
    async with make_engine(context=256).use(MODEL) as address:
        with pytest.raises(urllib.error.HTTPError) as caught:
            await ask(address, "/v1/completions", {"prompt": list(range(10, 20)) * 30})
        with caught.value as refusal:
            error = json.load(refusal)["error"]
    assert (error["type"], error["n_prompt_tokens"], error["n_ctx"]) == ("exceed_context_size_error", 300, 256)


async def test_a_long_text_embeds_in_one_piece(engine: Engine) -> None:
    """An input longer than llama.cpp's usual batch of 512 tokens is embedded."""
    async with engine.use(MODEL, "embed") as address:
        answer = await ask(address, "/v1/embeddings", {"input": list(range(10, 20)) * 80})
    assert answer["usage"] == {"prompt_tokens": 800, "total_tokens": 800}


async def test_the_secret_is_asked_for(engine: Engine) -> None:
    """Another process of the machine that lacks the secret is refused."""
    async with engine.use(MODEL) as address:
        with pytest.raises(urllib.error.HTTPError, match="401") as caught:
            await ask(address, "/v1/chat/completions", HELLO, secret="wrong")
        caught.value.close()


async def test_the_secret_is_on_no_command_line(engine: Engine) -> None:
    """The list of processes does not show the secret."""
    async with engine.use(MODEL) as address:
        assert not any(address.secret in " ".join(child.cmdline()) for child in children())


async def test_first_users_share_one_load(engine: Engine) -> None:
    """Callers that come while a model loads get the same child."""

    async def use() -> Address:
        async with engine.use(MODEL) as address:
            return address

    found = await asyncio.gather(*(use() for _ in range(5)))
    assert len(set(found)) == 1
    assert len(children()) == 1


async def test_a_caller_that_leaves_spoils_no_load(engine: Engine) -> None:
    """When the first caller hangs up while the model loads, the second still gets it."""
    first = asyncio.create_task(engine.use(MODEL).__aenter__())
    second = asyncio.create_task(engine.use(MODEL).__aenter__())
    await asyncio.sleep(0.05)
    first.cancel()
    assert (await second).port > 0


async def test_an_idle_model_leaves(make_engine: Callable[..., Engine]) -> None:
    """A model that nobody uses is ended after the idle time."""
    engine = make_engine(idle_seconds=0.2)
    async with engine.use(MODEL):
        pass
    await until(lambda: not children())
    assert engine.loaded() == []


async def test_a_model_in_use_stays(make_engine: Callable[..., Engine]) -> None:
    """However long a use lasts, the model stays; also when a shorter use began and ended meanwhile."""
    engine = make_engine(idle_seconds=0.1)
    async with engine.use(MODEL) as address:
        async with engine.use(MODEL):
            pass
        await asyncio.sleep(0.5)
        await ask(address, "/v1/chat/completions", HELLO)


async def test_a_dead_child_is_replaced(engine: Engine) -> None:
    """After a crash the next use gets a new child, which answers."""
    async with engine.use(MODEL) as before:
        children()[0].kill()
        await until(lambda: not engine.loaded())
    async with engine.use(MODEL) as after:
        assert after != before
        await ask(after, "/v1/chat/completions", HELLO)


async def test_deaths_in_a_row_are_waited_out(engine: Engine) -> None:
    """After three quick crashes a use is refused at once, and told when to come again."""
    for _ in range(3):
        async with engine.use(MODEL):
            children()[0].kill()
            await until(lambda: not engine.loaded())
    with pytest.raises(UpstreamBroken, match="keeps failing") as caught:
        await engine.use(MODEL).__aenter__()
    assert 0 < (caught.value.retry_after or 0) <= runner.PAUSE


async def test_a_broken_model_says_why(engine: Engine, shelf: Shelf, model_file: Path) -> None:
    """A model that llama.cpp cannot load raises UpstreamBroken with its words, without paths of this machine."""
    shelf.add(str(model_file), name="broken")
    with pytest.raises(UpstreamBroken, match="`broken` could not be loaded: ") as caught:
        await engine.use("broken").__aenter__()
    assert "key not found" in caught.value.message
    assert str(model_file.parent) not in caught.value.message
    assert children() == []


async def test_a_slow_start_is_given_up(make_engine: Callable[..., Engine]) -> None:
    """A model that does not load in time raises UpstreamBroken, and its child is gone."""
    with pytest.raises(UpstreamBroken, match=r"did not load in 0\.01 seconds"):
        await make_engine(start_seconds=0.01).use(MODEL).__aenter__()
    assert children() == []


async def test_an_unknown_model_is_refused(engine: Engine) -> None:
    """A name that is not on the shelf raises NoSuchModel."""
    with pytest.raises(NoSuchModel):
        engine.use("gpt-9")


async def test_closing_leaves_no_process(make_engine: Callable[..., Engine]) -> None:
    """After `close` every child is gone, those in use and those that still load too, and no more come."""
    engine = make_engine()
    await engine.use(MODEL).__aenter__()
    loading = asyncio.create_task(engine.use(MODEL, "embed").__aenter__())
    await asyncio.sleep(0.05)
    await engine.close()
    assert children() == []
    with pytest.raises(ShuttingDown):
        await loading
    with pytest.raises(ShuttingDown):
        await engine.use(MODEL).__aenter__()


async def test_an_interrupt_spares_the_child(engine: Engine) -> None:
    """A stop sent to the whole service reaches the child too; it goes on until its parent ends it."""
    async with engine.use(MODEL) as address:
        (child,) = children()
        child.send_signal(signal.SIGINT)
        child.terminate()
        await ask(address, "/v1/chat/completions", HELLO)
        assert os.getpgid(child.pid) != os.getpgid(0)


PARENT = """
import asyncio, pathlib, sys
import parley.engine.shelf
from parley.engine.engine import Engine, EngineSettings
parley.engine.shelf.BUILTIN_FILE = pathlib.Path(sys.argv[1])

async def main():
    async with Engine(parley.engine.shelf.Shelf(pathlib.Path("none")), EngineSettings()).use("parley-mini"):
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_killed_parent_leaves_no_child(shelf: Shelf) -> None:
    """When the parent is killed with -9, its child is gone within a moment."""
    command = [sys.executable, "-c", PARENT, str(shelf.find(MODEL).path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        (child,) = psutil.Process(parent.pid).children()
        parent.kill()
    assert psutil.wait_procs([child], timeout=5)[1] == []


async def test_a_warm_use_costs_next_to_nothing(engine: Engine) -> None:
    """Using a loaded model starts no task and costs a few microseconds at most."""
    async with engine.use(MODEL):
        tasks = len(asyncio.all_tasks())
        start = time.perf_counter()
        for _ in range(10_000):
            async with engine.use(MODEL):
                pass
        assert (time.perf_counter() - start) / 10_000 < 20e-6
        assert len(asyncio.all_tasks()) == tasks
