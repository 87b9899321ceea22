"""The lease: when it is renewed, and when others may be judged by theirs."""

import time

import pytest

from parley.store.leases import Lease


class Time:
    """A clock of seconds that is told what it is."""

    now = 1000.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Put a clock in place of the machine's."""
    it = Time()
    monkeypatch.setattr(time, "monotonic", it.monotonic)
    return it


def test_a_lease_is_renewed_long_before_its_end(clock: Time) -> None:
    """At first, and every sixth of its time."""
    lease = Lease(30)
    assert lease.due
    lease.renewed()
    clock.now += 4.9
    assert not lease.due
    clock.now += 0.2
    assert lease.due


def test_a_renewal_that_may_be_undone_is_done_again(clock: Time) -> None:
    """The transaction it was part of failed."""
    lease = Lease(30)
    lease.renewed()
    lease.doubt()
    assert lease.due
    assert clock.now == 1000


def test_who_was_away_judges_nobody_at_once(clock: Time) -> None:
    """The database was gone for all: they get the time of a lease to come back."""
    lease = Lease(30)
    lease.renewed()
    assert lease.judges
    clock.now += 31
    lease.renewed()
    assert not lease.judges
    clock.now += 30
    lease.renewed()
    assert lease.judges
