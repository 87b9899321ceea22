"""Who does it."""

import asyncio

from parley.core.actor import acting, actor


def test_at_the_command_line_it_is_the_user() -> None:
    """By the name that the operating system has."""
    assert actor().startswith("cli:")
    assert len(actor()) > len("cli:")


async def test_a_key_acts_in_its_own_task_only() -> None:
    """What runs beside it acts for itself."""

    async def one(name: str) -> str:
        with acting(name):
            await asyncio.sleep(0)
            return actor()

    assert await asyncio.gather(one("key_1"), one("key_2")) == ["key_1", "key_2"]
    assert actor().startswith("cli:")
