"""Projects: create, retrieve, update, list, archive."""

from parley.flows.administration import Errand, window
from parley.schema import admin_projects as wire
from parley.schema.admin import NOTHING, Page, page_of, seconds, seconds_or_none
from parley.store.projects import Project


def shown(project: Project) -> wire.Project:
    """Return *project* as the wire shows it."""
    return wire.Project(
        id=project.id,
        created_at=seconds(project.created_at),
        name=project.name,
        status="active" if project.archived_at is None else "archived",
        archived_at=seconds_or_none(project.archived_at),
    )


async def create(errand: Errand) -> wire.Project:
    """Make a project. Raises InvalidRequest, Conflict."""
    return shown(await errand.books.projects.create(errand.body(wire.CREATE).name))


async def retrieve(errand: Errand) -> wire.Project:
    """Return a project. Raises NotFound."""
    return shown(await errand.books.projects.get(errand.project))


async def update(errand: Errand) -> wire.Project:
    """Rename a project. Raises InvalidRequest, NotFound, Conflict."""
    change = errand.body(wire.UPDATE)
    found = await errand.books.projects.open(errand.project)
    if change.name is None or change.name == found.name:
        return shown(found)
    return shown(await errand.books.projects.rename(found.id, change.name))


async def listing(errand: Errand) -> Page[wire.Project]:
    """Return a page of the projects. Raises InvalidRequest."""
    wanted = errand.listing(wire.ProjectListing)
    found, more = await errand.books.projects.page(window(wanted), archived=wanted.include_archived)
    return page_of([shown(project) for project in found], more=more)


async def archive(errand: Errand) -> wire.Project:
    """Archive a project: its keys are dead at once. Raises NotFound, InvalidRequest."""
    if errand.call.body:
        errand.body(NOTHING)
    return shown(await errand.books.projects.archive(errand.project))
