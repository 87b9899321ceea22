"""Projects, as they are shown."""

import pytest

from parley.flows.administration_projects import shown
from parley.store.projects import Project


@pytest.mark.parametrize(("archived", "status", "at"), [(None, "active", None), (2_000_000_000, "archived", 2)])
def test_a_project_tells_whether_it_is_archived(archived: int | None, status: str, at: int | None) -> None:
    """And since when, in seconds."""
    told = shown(Project("proj_1", "shop", 1_999_999_999, archived))
    assert (told.status, told.archived_at, told.created_at, told.name) == (status, at, 1, "shop")
