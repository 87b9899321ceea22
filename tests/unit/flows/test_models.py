"""The models a caller may ask for."""

import pytest

from parley.errors import NoSuchModel, Unauthenticated
from parley.flows.models import list_models, retrieve_model
from parley.settings import ModelSettings, Settings, UpstreamSettings
from parley.testing import START, FakeLedger, RecordingReply, a_call, a_house

SETTINGS = Settings(
    upstreams={"main": UpstreamSettings(base_url="http://127.0.0.1:1/v1")},
    models={"m": ModelSettings(targets=["main/m-1"]), "*": ModelSettings(targets=["main/*"])},
)
HOUSE = a_house({}, SETTINGS, ledger=FakeLedger())


async def test_named_models_are_listed() -> None:
    """Not the catch-all, which is no name; an admin may look too."""
    [model] = await list_models(a_call(b""), RecordingReply(), HOUSE)
    assert (model.id, model.owned_by, model.created) == ("m", "main", START // 10**9)


async def test_one_model_is_found_or_not() -> None:
    """By its name."""
    assert (await retrieve_model(a_call(b""), RecordingReply(), HOUSE, "m")).id == "m"
    with pytest.raises(NoSuchModel):
        await retrieve_model(a_call(b""), RecordingReply(), HOUSE, "wibble")


async def test_a_key_is_needed() -> None:
    """As for everything under /v1."""
    with pytest.raises(Unauthenticated):
        await list_models(a_call(b"", secret="sk-wrong"), RecordingReply(), HOUSE)
