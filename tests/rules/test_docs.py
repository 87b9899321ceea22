"""The documents are true: their code runs, their links lead somewhere, and what is made from the code is up to date."""

import re
from pathlib import Path

import pytest
from examples import LEGACY, PAGES, ROOT, Block, each, found, prose, run
from servers import Server

from docs.generate import PAGES as MADE
from parley.settings import load

TODAY, ARTICLE = "python", "python openai==0.28.1"
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
LONGEST_README = 120


def anchors(page: Path) -> set[str]:
    """Return what links into *page* may name: its headings, as GitHub writes them."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_article_client_is_there() -> None:
    """The client of the article is installed, so that no block of it is left out (`make test` does that)."""
    assert LEGACY.exists(), f"{LEGACY} is missing: make {LEGACY.parents[1].name}/.installed"


@each(found(TODAY, ARTICLE, "sh"))
def test_block_runs(block: Block, embedded: Server, key: str) -> None:
    """The code of the documents runs as printed, against the built-in model."""
    run(block, embedded, key)


@each([block for block in found(TODAY, ARTICLE) if "tutorial" in block.page])
def test_block_runs_through_an_upstream(block: Block, relaying: Server, relaying_key: str) -> None:
    """The tutorial's code runs as printed also when another server answers."""
    run(block, relaying, relaying_key)


@each(found("toml"))
def test_settings_are_taken(block: Block, tmp_path: Path) -> None:
    """Every parley.toml in the documents is one that the server takes."""
    file = tmp_path / "parley.toml"
    file.write_text(block.code, "utf-8")
    assert load(file, {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    """Every link of a page to another page, and to a heading there, leads to something."""
    for link in LINK.findall(prose(page)):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_in_the_index() -> None:
    """Every page can be found from the index of the documents."""
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(prose(index))}
    assert {page for page in (ROOT / "docs").rglob("*.md") if page != index} <= linked


@pytest.mark.parametrize("page", MADE, ids=lambda page: page.name)
def test_made_pages_are_up_to_date(page: Path) -> None:
    """The pages made from the code are what `python -m docs.generate` makes now."""
    assert page.read_text("utf-8") == MADE[page]()


def test_readme_is_short() -> None:
    """The README has at most 120 lines."""
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= LONGEST_README
