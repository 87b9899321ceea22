"""What `parley serve` says when it is ready."""

from parley.commands.welcome import SESSION, example, example_model, is_first, welcome
from parley.settings import EngineSettings, ModelSettings, Settings
from parley.store.keys import KeyInfo

ADDRESS = "http://127.0.0.1:8080"
LISTED = {"tiny": ModelSettings(targets=["local/tiny"]), "*": ModelSettings(targets=["local/*"])}


def info(name: str, revoked_at: int | None = None) -> KeyInfo:
    """Return a key called *name*."""
    return KeyInfo("key_1", "default", name, "sk-…", admin=False, created_at=1, revoked_at=revoked_at)


def test_the_first_start_is_the_one_without_keys() -> None:
    """No key at all makes a start the first."""
    assert is_first([])


def test_a_revoked_key_is_a_key() -> None:
    """Who revoked all keys does not get a new one at the next start."""
    assert not is_first([info("ours", revoked_at=2)])


def test_a_chat_before_the_first_start_does_not_count() -> None:
    """The keys `parley chat` makes for itself leave the first start the first."""
    assert is_first([info(SESSION, revoked_at=2)])


def test_the_example_prefers_the_built_in_model() -> None:
    """parley-mini answers without an account, so it stands in the example."""
    assert example_model(Settings(models=LISTED), ["aaa", "parley-mini"]) == "parley-mini"


def test_the_example_takes_the_first_listed_model() -> None:
    """Without parley-mini the file's first model does, never the catch-all."""
    assert example_model(Settings(models=LISTED), ["aaa"]) == "tiny"


def test_an_engine_that_is_off_offers_nothing() -> None:
    """A model on the shelf is no example where the engine is off."""
    assert example_model(Settings(engine=EngineSettings(enabled=False)), ["parley-mini"]) is None


def test_the_example_has_three_lines() -> None:
    """It is curl, with the key, on three lines."""
    lines = example(ADDRESS, "sk-x", "parley-mini").splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"curl {ADDRESS}/v1/chat/completions")
    assert "Bearer sk-x" in lines[1]


def test_without_a_model_the_example_lists_them() -> None:
    """Where only a catch-all leads anywhere, the example asks which models there are."""
    assert example(ADDRESS, "sk-x", None).startswith(f"curl {ADDRESS}/v1/models")


def test_a_later_start_shows_no_key() -> None:
    """It tells the address and how to make a key."""
    text = welcome(ADDRESS, None, "parley-mini", " --data x").plain
    assert ADDRESS in text
    assert "parley key create --data x\n" in text
    assert "Bearer" not in text
