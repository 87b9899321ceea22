"""Where a model can be brought from."""

from pathlib import Path

import pytest

from parley.commands.models import add
from parley.commands.options import Options
from parley.errors import InvalidRequest
from parley.settings import Settings


@pytest.mark.parametrize("source", ["ftp://h/m.gguf", "s3://bucket/m.gguf", "file:///m.gguf"])
def test_another_way_to_fetch_is_named(source: str, tmp_path: Path) -> None:
    """With those there are, and before anything is made."""
    data = tmp_path / "data"
    with pytest.raises(InvalidRequest, match=r"^`\w+://` is no way to fetch a model: give an http or https URL"):
        add(Options(Settings(), data), source, None)
    assert not data.exists()
