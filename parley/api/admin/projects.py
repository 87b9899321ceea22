"""`/v1/organization/projects`."""

from parley.api.admin.desk import PROJECT, ROOT, route
from parley.flows import administration_projects as flow
from parley.schema.admin import Page
from parley.schema.admin_projects import Project, ProjectCreate, ProjectListing, ProjectUpdate

ALL = ROOT + "/projects"
ROUTES = (
    route(f"POST {ALL}", "projects.create", flow.create, Project, ProjectCreate),
    route(f"GET {ALL}", "projects.list", flow.listing, Page[Project], ProjectListing),
    route(f"GET {PROJECT}", "projects.retrieve", flow.retrieve, Project),
    route(f"POST {PROJECT}", "projects.update", flow.update, Project, ProjectUpdate),
    route(f"POST {PROJECT}/archive", "projects.archive", flow.archive, Project),
)
