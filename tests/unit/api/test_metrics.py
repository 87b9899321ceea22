"""`/metrics`: what was counted, as Prometheus reads it."""

from prometheus_client.parser import text_string_to_metric_families

from parley.api.metrics import exposition
from parley.policies.counts import BOUNDS, Counts


def samples(counts: Counts) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return all samples of *counts*, parsed by Prometheus' own parser."""
    families = text_string_to_metric_families(exposition(counts).decode())
    return {(it.name, frozenset(it.labels.items())): it.value for family in families for it in family.samples}


def test_what_was_counted_is_told() -> None:
    """Calls, tokens, dollars, open calls and requests without a key."""
    counts = Counts()
    counts.calls["chat.completions", "answered", 200] += 3
    counts.spent['m"\n\\'].input += 5
    counts.spent["m"].cost += 2_500_000_000
    counts.unauthenticated, counts.open = 7, 2
    found = samples(counts)
    labels = {("operation", "chat.completions"), ("outcome", "answered"), ("status", "200")}
    assert found["parley_calls_total", frozenset(labels)] == 3
    assert found["parley_tokens_total", frozenset({("model", 'm"\n\\'), ("direction", "input")})] == 5
    assert found["parley_cost_dollars_total", frozenset({("model", "m")})] == 2.5
    assert found["parley_unauthenticated_total", frozenset()] == 7
    assert found["parley_open_calls", frozenset()] == 2


def test_buckets_add_up() -> None:
    """Each holds what is shorter than its bound; the last holds all."""
    counts = Counts()
    for seconds in (0.001, 0.2, 0.2, 99):
        counts.durations.add(seconds)
    found = samples(counts)
    told = {bound: found["parley_call_seconds_bucket", frozenset({("le", bound)})] for bound in map(str, BOUNDS)}
    assert (told["0.005"], told["0.1"], told["0.25"], told["60.0"]) == (1, 1, 3, 3)
    assert found["parley_call_seconds_bucket", frozenset({("le", "+Inf")})] == 4
    assert found["parley_call_seconds_count", frozenset()] == 4


def test_a_fresh_server_tells_zeros() -> None:
    """Nothing is missing, so that a graph begins."""
    found = samples(Counts())
    assert found["parley_open_calls", frozenset()] == 0
    assert found["parley_unauthenticated_total", frozenset()] == 0
