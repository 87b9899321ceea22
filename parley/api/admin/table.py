"""All routes of the Administration API."""

from parley.api.admin import audit, keys, limits, people, projects, usage

ROUTES = (*projects.ROUTES, *keys.ROUTES, *people.ROUTES, *limits.ROUTES, *audit.ROUTES, *usage.ROUTES)
