"""The counters as a machine: any order of taking, settling, dying and sweeping leaves sums that are right.

Checked after every step, on SQLite and PostgreSQL: the budget is never exceeded, what is held is what the open calls
hold, and what is spent is what the rows say.
"""

import asyncio

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from parley.errors import NotRecorded
from parley.store.counters import Counter, Kind, Need, settlement
from parley.store.database import open_store
from parley.store.ledger import Admission, Record, Settled
from parley.store.tables import calls, counters, holds, leases
from tests.contract.store.counting import an_admission, counter, end_leases, held

LIMIT = 100


class Machine(RuleBasedStateMachine):
    """Two processes on one database."""

    url = ""
    taken = Bundle("taken")

    @initialize()
    def open(self) -> None:
        """Open both, and begin from nought."""
        self.loop = asyncio.new_event_loop()
        self.stores = [self.run(open_store(self.url)) for _ in range(2)]
        self.run(self._empty())
        self.open_calls: dict[str, int] = {}
        self.owners: dict[str, int] = {}
        self.spent = 0

    def run(self, work):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - as asyncio.run
        """Run *work* to its end."""
        return self.loop.run_until_complete(work)

    async def _empty(self) -> None:
        async with self.stores[0]._connections.writing() as connection:
            for table in (counters, holds, leases, calls):
                await connection.execute(table.delete())
        for store in self.stores:
            await store.ledger.keep()

    @rule(target=taken, who=st.integers(0, 1), amount=st.integers(0, 60))
    def admit(self, who: int, amount: int) -> tuple[int, Admission, Record] | None:
        """Take money and a seat; there are three."""
        needs = (Need("usd", Kind.MONEY, amount, LIMIT), Need("seats", Kind.SEATS, 1, 3))
        admission, record = an_admission(*needs)
        verdict = self.run(self.stores[who].ledger.admit(admission))
        room = self.spent + sum(self.open_calls.values()) + amount <= LIMIT and len(self.open_calls) < 3
        assert (verdict.short is None) == room  # never over, and never falsely blocked
        if verdict.short is not None:
            return None
        self.open_calls[admission.id], self.owners[admission.id] = amount, who
        return who, admission, record

    @rule(one=consumes(taken), share=st.floats(0, 1))
    def settle(self, one: tuple[int, Admission, Record] | None, share: float) -> None:
        """End a call; one that was given up meanwhile hears so."""
        if one is None:
            return
        who, admission, record = one
        amount = self.open_calls.pop(admission.id, None)
        cost = int((amount or 0) * share)
        settled = Settled(admission.id, settlement(admission.needs, cost=cost, tokens=0))
        try:
            self.run(self.stores[who].ledger.write(record, None, settled))
        except NotRecorded:
            assert amount is None
        else:
            assert amount is not None
            self.spent += cost

    @rule(who=st.integers(0, 1))
    def die(self, who: int) -> None:
        """Let all leases end, and the other process sweep; then its own is renewed."""
        self.run(end_leases(self.stores[0]))
        other = self.stores[1 - who]
        gone = [id_ for id_, owner in self.owners.items() if owner == who and id_ in self.open_calls]
        assert self.run(other.ledger.keep()) == len(gone)
        for id_ in gone:
            self.spent += self.open_calls.pop(id_)
        self.run(self.stores[who].ledger.keep())

    @rule()
    def keep(self) -> None:
        """Renew both leases: nothing is swept."""
        assert [self.run(store.ledger.keep()) for store in self.stores] == [0, 0]

    @invariant()
    def sums(self) -> None:
        """Compare what is kept with what must be."""
        if not hasattr(self, "stores"):
            return
        store = self.stores[0]
        open_money = sum(self.open_calls.values())
        assert self.spent + open_money <= LIMIT
        if self.owners:
            assert self.run(counter(store, "usd")) == Counter(self.spent, open_money)
            assert self.run(counter(store, "seats")) == Counter(0, len(self.open_calls))
        assert self.run(held(store)) == len(self.open_calls)

    def teardown(self) -> None:
        """Close both."""
        for store in getattr(self, "stores", ()):
            self.run(store.close())
        if hasattr(self, "loop"):
            self.loop.close()


@pytest.fixture
def machine(url: str) -> type[Machine]:
    """Return the machine on the database at *url*."""
    return type("Machine", (Machine,), {"url": url})


def test_no_order_of_events_breaks_the_books(machine: type[Machine]) -> None:
    """Hypothesis looks for one."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
