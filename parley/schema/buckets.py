"""What the Administration API tells of usage and costs: pages of buckets of time, each with its results.

What a result is not grouped by is null.
"""

from typing import Literal

from parley.schema.wire import Wire


class Grouped(Wire, kw_only=True):
    """Whose usage it is."""

    project_id: str | None = None
    user_id: str | None = None
    api_key_id: str | None = None


class CompletionsUsage(Grouped, kw_only=True, tag_field="object", tag="organization.usage.completions.result"):
    """What chat completions and completions used."""

    num_model_requests: int
    input_tokens: int
    input_cached_tokens: int
    input_uncached_tokens: int
    output_tokens: int
    model: str | None = None
    batch: bool | None = None
    service_tier: str | None = None
    api_source: Literal["agents_api", "unlabeled"] | None = None


class EmbeddingsUsage(Grouped, kw_only=True, tag_field="object", tag="organization.usage.embeddings.result"):
    """What embeddings used."""

    num_model_requests: int
    input_tokens: int
    model: str | None = None


class Amount(Wire):
    """Money, in dollars."""

    value: float
    currency: Literal["usd"] = "usd"


class CostsResult(Grouped, kw_only=True, tag_field="object", tag="organization.costs.result"):
    """What was spent; of a line item, which is a model here, how many tokens too."""

    amount: Amount
    line_item: str | None = None
    quantity: int | None = None
    quantity_unit: Literal["tokens"] | None = None
    api_source: Literal["agents_api", "unlabeled"] | None = None


Result = CompletionsUsage | EmbeddingsUsage | CostsResult


class Bucket(Wire, tag_field="object", tag="bucket"):
    """A stretch of time, from `start_time` until before `end_time` in Unix seconds; no results: no use."""

    start_time: int
    end_time: int
    results: list[Result]


class BucketPage(Wire, tag_field="object", tag="page"):
    """Buckets in order, empty ones too; `next_page` leads to those after them."""

    data: list[Bucket]
    has_more: bool
    next_page: str | None
