"""Whether a target may be asked: its breaker, the rest that its provider asked for, and how fast it is.

A breaker (Nygard, *Release It!*) is closed while all is well. So many failures in a row, or so large a share of them,
open it: then nobody asks. After its cooldown it is half open: one call at a time tries; the first success closes it, a
failure opens it again. Its numbers lie on the board that the workers of a machine share. All times here are nanoseconds
of the monotonic clock. Pure but for that board.
"""

from bisect import insort
from collections import deque
from typing import Literal

import msgspec

from parley.core.catalog import Breaker, Target
from parley.upstreams.board import Board

State = Literal["closed", "half_open", "open"]
SECOND = 1_000_000_000
_MARK, _ROW, _OPEN, _PROBE, _SINCE, _ASKED, _FAILED, _REST = range(8)  # what the words of a slot mean
WINDOW = 30 * SECOND
ENOUGH = 20  # calls in a window, from which on a share of them means something
PROBE = 60 * SECOND  # after so long a probe that nobody heard of again is forgotten
LONGEST_REST = 3600 * SECOND
SEEN = 100  # times of first events that are remembered
FEW = 10  # with fewer there is no usual time


def _left(until: int, now: int, longest: int) -> int:
    """Return how long it is *until* a time; 0 for one further ahead than *longest*: the machine has restarted since."""
    left = until - now
    return left if 0 < left <= longest else 0


class Pace:
    """How long a target takes until its first event, as this process has seen it."""

    __slots__ = ("_last", "_sorted", "mean")

    def __init__(self) -> None:
        self.mean = 0.0  # of late: each time moves it by a tenth
        self._last: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, seconds: float) -> None:
        """Note one time."""
        self.mean = seconds if not self._last else self.mean + (seconds - self.mean) / 10
        self._last.append(seconds)
        insort(self._sorted, seconds)
        if len(self._last) > SEEN:
            self._sorted.remove(self._last.popleft())

    @property
    def p95(self) -> float | None:
        """Return the time that nineteen of twenty stay below; None while too few are known."""
        return self._sorted[len(self._sorted) * 95 // 100] if len(self._sorted) >= FEW else None


class Report(msgspec.Struct):
    """How a target is, for whoever looks: times in seconds."""

    target: str
    breaker: State
    failures_in_a_row: int
    asked_again_in: float
    first_event_mean: float | None
    first_event_p95: float | None


class Health:
    """What is known of one target."""

    __slots__ = ("_board", "_cooldown", "_place", "_rules", "_words", "pace", "target")

    def __init__(self, target: Target, board: Board, rules: Breaker) -> None:
        self.target = target
        self.pace = Pace()
        self._board = board
        self._words = board.words
        self._place = board.slot(str(target))
        self._rules = rules
        self._cooldown = int(rules.cooldown * SECOND)

    def wait(self, now: int) -> int:
        """Return how long nobody may ask; 0: one may."""
        words, place = self._words, self._place
        opened, rest = words[place + _OPEN], words[place + _REST]
        if not opened and rest <= now:
            return 0
        left = _left(rest, now, LONGEST_REST)
        if opened:
            left = max(left, _left(opened, now, self._cooldown), _left(words[place + _PROBE], now, PROBE))
        return left

    def begin(self, now: int) -> bool:
        """Tell whether it may be asked now; while its breaker is half open, one is told so, and tries."""
        if self.wait(now):
            return False
        if self._words[self._place + _OPEN]:
            with self._board.alone():
                if self.wait(now):
                    return False
                self._words[self._place + _PROBE] = now + PROBE
        return True

    @property
    def is_open(self) -> bool:
        """Tell whether its breaker is open, or half open."""
        return bool(self._words[self._place + _OPEN])

    def begun(self) -> bool:
        """Note that it began to answer; tell whether that closes its breaker: then one failure opens it again."""
        words, place = self._words, self._place
        if not words[place + _OPEN]:
            return False
        words[place + _OPEN] = words[place + _PROBE] = 0
        words[place + _ROW] = self._rules.failures - 1
        return True

    def well(self, now: int) -> None:
        """Note that it answered well, to the end."""
        words, place = self._words, self._place
        if words[place + _ROW] or words[place + _OPEN]:
            words[place + _ROW] = words[place + _OPEN] = words[place + _PROBE] = 0
        self._count(now)

    def failed(self, now: int) -> bool:
        """Note a failure; tell whether the breaker is open now that was not before."""
        words, place, rules = self._words, self._place, self._rules
        words[place + _ROW] += 1
        self._count(now)
        words[place + _FAILED] += 1
        asked, failed = words[place + _ASKED], words[place + _FAILED]
        shut = _left(words[place + _OPEN], now, self._cooldown)
        half_open = words[place + _OPEN] and not shut
        many = asked >= ENOUGH and failed >= asked * rules.share
        if shut or not (half_open or many or words[place + _ROW] >= rules.failures):
            return False
        words[place + _OPEN] = now + self._cooldown
        words[place + _PROBE] = words[place + _ASKED] = words[place + _FAILED] = 0
        return not half_open

    def left(self) -> None:
        """Note that nothing was learnt: who asked has left before there was an answer."""
        if self._words[self._place + _OPEN]:
            self._words[self._place + _PROBE] = 0

    def rest(self, now: int, seconds: float) -> None:
        """Let nobody ask for *seconds*: its provider said so."""
        left = _left(self._words[self._place + _REST], now, LONGEST_REST)
        self._words[self._place + _REST] = now + max(left, min(int(seconds * SECOND), LONGEST_REST))

    def report(self, now: int) -> Report:
        """Return how it is."""
        opened = self._words[self._place + _OPEN]
        state: State = "closed" if not opened else "open" if _left(opened, now, self._cooldown) else "half_open"
        return Report(
            target=str(self.target),
            breaker=state,
            failures_in_a_row=self._words[self._place + _ROW],
            asked_again_in=round(self.wait(now) / SECOND, 3),
            first_event_mean=round(self.pace.mean, 6) or None,
            first_event_p95=self.pace.p95,
        )

    def _count(self, now: int) -> None:
        """Count one that was asked, in a window that begins anew now and then."""
        words, place = self._words, self._place
        if not 0 <= now - words[place + _SINCE] < WINDOW:
            words[place + _SINCE] = now
            words[place + _ASKED] = words[place + _FAILED] = 0
        words[place + _ASKED] += 1
