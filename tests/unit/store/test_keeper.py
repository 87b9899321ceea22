"""The keeper: turn after turn, also after a turn that failed."""

import asyncio

from structlog.testing import capture_logs

from parley.errors import NotRecorded
from parley.store.keeper import Keeper
from parley.testing import FakeLedger

TURN = 0.001


class Ledger(FakeLedger):
    """A ledger that tells how often it was asked, and what it is told to tell."""

    turns = 0
    lost = 0
    late = 0

    async def keep(self) -> int:
        """Count."""
        self.turns += 1
        if self.broken:
            raise NotRecorded
        found, self.lost = self.lost, 0
        return found

    async def catch_up(self) -> int:
        """Tell what was late, once."""
        found, self.late = self.late, 0
        return found


async def turns(ledger: Ledger, number: int) -> None:
    """Let *number* more turns pass."""
    end = ledger.turns + number
    async with asyncio.timeout(5):
        while ledger.turns < end:  # noqa: ASYNC110 - a turn rings no bell
            await asyncio.sleep(TURN)


async def test_the_keeper_goes_on_and_stops() -> None:
    """One turn after the other until it is closed."""
    ledger = Ledger()
    keeper = Keeper(ledger, TURN)
    await turns(ledger, 3)
    await keeper.close()
    seen = ledger.turns
    await asyncio.sleep(TURN * 5)
    assert ledger.turns == seen


async def test_a_database_that_is_away_is_told_once() -> None:
    """Turn after turn fails; the log has one line, and one more the next time."""
    ledger = Ledger()
    ledger.broken = True
    with capture_logs() as lines:
        keeper = Keeper(ledger, TURN)
        await turns(ledger, 3)
        ledger.broken = False
        await turns(ledger, 2)
        ledger.broken = True
        await turns(ledger, 2)
        await keeper.close()
    assert [line["event"] for line in lines] == ["the lease could not be renewed"] * 2


async def test_what_was_done_for_others_and_late_is_told() -> None:
    """How many calls were lost, how many rows came late."""
    ledger = Ledger()
    ledger.lost, ledger.late = 2, 3
    with capture_logs() as lines:
        keeper = Keeper(ledger, TURN)
        await turns(ledger, 2)
        await keeper.close()
    assert [line["calls"] for line in lines] == [2, 3]


async def test_the_last_thing_is_to_write_what_is_late() -> None:
    """A server that stops tries once more."""
    ledger = Ledger()
    keeper = Keeper(ledger, 60)
    await turns(ledger, 1)
    ledger.late = 1
    await keeper.close()
    assert ledger.late == 0


async def test_a_fault_of_ours_does_not_end_the_keeper() -> None:
    """It is told with its trace, and the lease is renewed all the same."""
    ledger, faults = Ledger(), [KeyError("a fault of ours")]

    async def after() -> None:
        if faults:
            raise faults.pop()

    with capture_logs() as lines:
        keeper = Keeper(ledger, TURN, after)
        await turns(ledger, 3)
        await keeper.close()
    assert [line["log_level"] for line in lines] == ["error"]
