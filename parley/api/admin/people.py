"""`/v1/organization/users`, `/v1/organization/invites` and `/v1/organization/projects/{project_id}/users`."""

from parley.api.admin.desk import PROJECT, ROOT, route
from parley.flows import administration_people as flow
from parley.schema import admin_people as wire
from parley.schema.admin import Deleted, Listing, Page

USERS = ROOT + "/users"
USER = USERS + "/{user_id}"
MEMBERS = PROJECT + "/users"
MEMBER = MEMBERS + "/{user_id}"
INVITES = ROOT + "/invites"
INVITE = INVITES + "/{invite_id}"
_MEMBERS = "projects.users"
ROUTES = (
    route(f"GET {USERS}", "users.list", flow.list_users, Page[wire.User], wire.UserListing),
    route(f"GET {USER}", "users.retrieve", flow.retrieve_user, wire.User),
    route(f"POST {USER}", "users.update", flow.update_user, wire.User, wire.UserUpdate),
    route(f"DELETE {USER}", "users.delete", flow.delete_user, Deleted),
    route(f"POST {MEMBERS}", f"{_MEMBERS}.create", flow.create_member, wire.ProjectUser, wire.ProjectUserCreate),
    route(f"GET {MEMBERS}", f"{_MEMBERS}.list", flow.list_members, Page[wire.ProjectUser], Listing),
    route(f"GET {MEMBER}", f"{_MEMBERS}.retrieve", flow.retrieve_member, wire.ProjectUser),
    route(f"POST {MEMBER}", f"{_MEMBERS}.update", flow.update_member, wire.ProjectUser, wire.ProjectUserUpdate),
    route(f"DELETE {MEMBER}", f"{_MEMBERS}.delete", flow.delete_member, Deleted),
    route(f"POST {INVITES}", "invites.create", flow.create_invite, wire.Invite, wire.InviteCreate),
    route(f"GET {INVITES}", "invites.list", flow.list_invites, Page[wire.Invite], Listing),
    route(f"GET {INVITE}", "invites.retrieve", flow.retrieve_invite, wire.Invite),
    route(f"DELETE {INVITE}", "invites.delete", flow.delete_invite, Deleted),
)
