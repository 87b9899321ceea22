"""Rate limits, spend limits and spend alerts, of the organization and of projects."""

from parley.api.admin.desk import PROJECT, ROOT, route
from parley.api.routes import Route
from parley.flows import administration_alerts as alerts
from parley.flows import administration_limits as flow
from parley.schema import admin_limits as wire
from parley.schema.admin import Deleted, Page

RATES = PROJECT + "/rate_limits"
RATE = RATES + "/{rate_limit_id}"
_RATES = "projects.rate_limits"


def _alerts(owner: str, name: str) -> tuple[Route, ...]:
    """Return the routes of the alerts below the path *owner*."""
    every, one = f"{owner}/spend_alerts", f"{owner}/spend_alerts/{{alert_id}}"
    return (
        route(f"POST {every}", f"{name}.create", alerts.create, wire.Alert, wire.AlertSet),
        route(f"GET {every}", f"{name}.list", alerts.listing, Page[wire.Alert], wire.AlertListing),
        route(f"GET {one}", f"{name}.retrieve", alerts.retrieve, wire.Alert),
        route(f"POST {one}", f"{name}.update", alerts.update, wire.Alert, wire.AlertSet),
        route(f"DELETE {one}", f"{name}.delete", alerts.delete, Deleted),
    )


ROUTES = (
    route(f"GET {RATES}", f"{_RATES}.list", flow.list_rates, Page[wire.RateLimit], wire.RateLimitListing),
    route(f"POST {RATE}", f"{_RATES}.update", flow.update_rates, wire.RateLimit, wire.RateLimitUpdate),
    route(f"GET {ROOT}/spend_limit", "spend_limit.retrieve", flow.retrieve_spending, wire.SpendLimit),
    route(f"POST {ROOT}/spend_limit", "spend_limit.update", flow.update_spending, wire.SpendLimit,
          wire.OrganizationSpendLimitUpdate),
    route(f"DELETE {ROOT}/spend_limit", "spend_limit.delete", flow.delete_spending, wire.SpendLimitDeleted),
    route(f"GET {PROJECT}/spend_limit", "projects.spend_limit.retrieve", flow.retrieve_project_spending,
          wire.SpendLimit),
    route(f"POST {PROJECT}/spend_limit", "projects.spend_limit.update", flow.update_project_spending, wire.SpendLimit,
          wire.ProjectSpendLimitUpdate),
    route(f"DELETE {PROJECT}/spend_limit", "projects.spend_limit.delete", flow.delete_project_spending,
          wire.SpendLimitDeleted),
    *_alerts(ROOT, "spend_alerts"),
    *_alerts(PROJECT, "projects.spend_alerts"),
)  # fmt: skip
