"""`/metrics`: the counts, in Prometheus' text format. Nothing is added up before somebody asks."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from parley.core.money import NANO
from parley.policies.counts import BOUNDS, Counts, Histogram
from parley.upstreams.health import Report, State

MEDIA = b"text/plain; version=0.0.4; charset=utf-8"


STATES: dict[State, int] = {"closed": 0, "half_open": 1, "open": 2}


class CountsCollector(Collector):
    """Turns `Counts`, and reports on targets, into Prometheus' families."""

    def __init__(self, counts: Counts, reports: Sequence[Report]) -> None:
        self._counts = counts
        self._reports = reports

    def collect(self) -> Iterator[Metric]:
        """Yield all families."""
        counts = self._counts
        calls = CounterMetricFamily(
            "parley_calls", "Calls by operation, outcome and status.", labels=["operation", "outcome", "status"]
        )
        for (operation, outcome, status), number in counts.calls.items():
            calls.add_metric([operation, outcome, str(status)], number)
        yield calls
        attempts = CounterMetricFamily(
            "parley_upstream_attempts", "Attempts by upstream and what became of them.", labels=["upstream", "outcome"]
        )
        for (upstream, outcome), number in counts.attempts.items():
            attempts.add_metric([upstream, outcome], number)
        yield attempts
        tokens = CounterMetricFamily("parley_tokens", "Tokens by model and direction.", labels=["model", "direction"])
        for model, spent in counts.spent.items():
            tokens.add_metric([model, "input"], spent.input)
            tokens.add_metric([model, "output"], spent.output)
        yield tokens
        cost = CounterMetricFamily("parley_cost_dollars", "Dollars by model.", labels=["model"])
        for model, spent in counts.spent.items():
            cost.add_metric([model], spent.cost / NANO)
        yield cost
        yield CounterMetricFamily(
            "parley_unauthenticated", "Requests without a valid key.", value=counts.unauthenticated
        )
        yield CounterMetricFamily(
            "parley_unrecorded_calls", "Calls that failed because their record could not be written.", counts.unrecorded
        )
        yield GaugeMetricFamily("parley_open_calls", "Calls being answered now.", value=counts.open)
        yield _histogram("parley_call_seconds", "Time of a call.", counts.durations)
        yield _histogram("parley_first_token_seconds", "Time to the first token.", counts.first_tokens)
        breakers = GaugeMetricFamily(
            "parley_target_breaker", "Breakers: 0 closed, 1 half open, 2 open.", labels=["target"]
        )
        for report in self._reports:
            breakers.add_metric([report.target], STATES[report.breaker])
        yield breakers


def _histogram(name: str, help_text: str, histogram: Histogram) -> HistogramMetricFamily:
    """Return *histogram* as a family: its buckets added up."""
    total, buckets = 0, []
    for bound, number in zip((*map(str, BOUNDS), "+Inf"), histogram.buckets, strict=True):
        total += number
        buckets.append((bound, total))
    return HistogramMetricFamily(name, help_text, buckets=buckets, sum_value=histogram.total)


def exposition(counts: Counts, reports: Sequence[Report] = ()) -> bytes:
    """Return *counts*, and how targets are, as Prometheus reads them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(CountsCollector(counts, reports))
    return generate_latest(registry)
