"""How the child divides context and threads."""

from parley.engine.child import fitting, share

MEBIBYTE = 1 << 20


def test_a_call_gets_the_trained_context() -> None:
    """A model trained for 2048 tokens gives each call 2048."""
    assert share(0, 2048) == 2048


def test_a_long_context_is_capped() -> None:
    """Where nobody asked for more, a model trained for 131072 tokens gives each call 8192."""
    assert share(0, 131_072) == 8192


def test_more_context_may_be_asked_for() -> None:
    """A context set by the operator is taken beyond the cap."""
    assert share(32_768, 131_072) == 32_768


def test_never_more_than_trained() -> None:
    """A context beyond what the model was trained for is cut to it."""
    assert share(32_768, 4096) == 4096


def test_a_context_is_a_multiple_of_the_grain() -> None:
    """An odd context is rounded up as llama.cpp would."""
    assert share(1000, 4096) == 1024


def test_a_small_model_gets_one_thread() -> None:
    """Ten megabytes are not worth a second thread."""
    assert fitting(10 * MEBIBYTE, cores=8) == 1


def test_a_large_model_gets_every_core() -> None:
    """Four gigabytes are worth every core there is, and no more."""
    assert fitting(4096 * MEBIBYTE, cores=8) == 8
