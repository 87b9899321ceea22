"""What is counted in memory."""

import pytest

from parley.policies.counts import BOUNDS, Histogram


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, 0), (0.005, 0), (0.0051, 1), (60.0, 12), (61.0, 13)])
def test_a_duration_falls_into_the_bucket_up_to_its_bound(seconds: float, bucket: int) -> None:
    """A bound belongs to the bucket it closes, as Prometheus has it; what is longer than all goes last."""
    histogram = Histogram()
    histogram.add(seconds)
    assert histogram.buckets.index(1) == bucket
    assert len(histogram.buckets) == len(BOUNDS) + 1
