"""What happened since the start, counted in memory: `/metrics` shows it, nothing is decided by it."""

from bisect import bisect_left
from collections import Counter, defaultdict

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds


class Histogram:
    """Durations in seconds, sorted into `BOUNDS`."""

    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


class Spent:
    """What the calls of one model took: tokens, and nano-dollars."""

    __slots__ = ("cost", "input", "output")

    def __init__(self) -> None:
        self.input = 0
        self.output = 0
        self.cost = 0


class Counts:
    """Plain counters: a call adds to them in well under a microsecond each."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str, int]] = Counter()  # operation, outcome, status
        self.spent: defaultdict[str, Spent] = defaultdict(Spent)  # by the model that answered
        self.attempts: Counter[tuple[str, str]] = Counter()  # upstream, what became of it (`upstreams.attempts`)
        self.unauthenticated = 0
        self.unrecorded = 0
        self.durations = Histogram()
        self.first_tokens = Histogram()
        self.open = 0
