"""Projects, as the Administration API shows them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from parley.schema.admin import Listing, Strict
from parley.schema.wire import Wire


class Project(Wire, tag_field="object", tag="organization.project"):
    """A project."""

    id: str
    created_at: int
    name: str
    status: Literal["active", "archived"]
    archived_at: int | None = None
    external_key_id: str | None = None
    residency: str | None = None


class ProjectListing(Listing):
    """Which projects are wanted."""

    include_archived: bool = False


Name = Annotated[str, Meta(min_length=1, max_length=64)]
"""As long as the command line takes."""


class ProjectCreate(Strict):
    """The body that makes a project; what only OpenAI's own machines can do may be null, and is refused else."""

    name: Name
    external_key_id: None = None
    geography: None = None
    residency: Literal["GLOBAL"] | None = None


class ProjectUpdate(Strict):
    """The body that changes a project."""

    name: Name | None = None
    external_key_id: None = None
    geography: None = None


CREATE = msgspec.json.Decoder(ProjectCreate)
UPDATE = msgspec.json.Decoder(ProjectUpdate)
