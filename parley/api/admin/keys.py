"""`/v1/organization/projects/{project_id}/api_keys` and `.../service_accounts`, `/v1/organization/admin_api_keys`."""

from parley.api.admin.desk import PROJECT, ROOT, route
from parley.flows import administration_keys as flow
from parley.schema import admin_keys as wire
from parley.schema.admin import Deleted, Listing, Page

KEYS = PROJECT + "/api_keys"
KEY = KEYS + "/{api_key_id}"
ACCOUNTS = PROJECT + "/service_accounts"
ACCOUNT = ACCOUNTS + "/{service_account_id}"
ADMINS = ROOT + "/admin_api_keys"
ADMIN = ADMINS + "/{key_id}"
_KEYS = "projects.api_keys"
_ACCOUNTS = "projects.service_accounts"
_ADMINS = "admin_api_keys"
ROUTES = (
    route(f"GET {KEYS}", f"{_KEYS}.list", flow.list_keys, Page[wire.ProjectKey], wire.ProjectKeyListing),
    route(f"GET {KEY}", f"{_KEYS}.retrieve", flow.retrieve_key, wire.ProjectKey),
    route(f"POST {KEY}", f"{_KEYS}.update", flow.update_key, wire.ProjectKey, wire.ProjectKeyUpdate),
    route(f"DELETE {KEY}", f"{_KEYS}.delete", flow.delete_key, Deleted),
    route(f"POST {ACCOUNTS}", f"{_ACCOUNTS}.create", flow.create_account, wire.NewAccount, wire.AccountCreate),
    route(f"GET {ACCOUNTS}", f"{_ACCOUNTS}.list", flow.list_accounts, Page[wire.Account], Listing),
    route(f"GET {ACCOUNT}", f"{_ACCOUNTS}.retrieve", flow.retrieve_account, wire.Account),
    route(f"POST {ACCOUNT}", f"{_ACCOUNTS}.update", flow.update_account, wire.Account, wire.AccountUpdate),
    route(f"DELETE {ACCOUNT}", f"{_ACCOUNTS}.delete", flow.delete_account, Deleted),
    route(f"POST {ACCOUNT}/api_keys", f"{_ACCOUNTS}.api_keys.create", flow.create_account_key, wire.AccountKey,
          wire.AccountKeyCreate),
    route(f"POST {ADMINS}", f"{_ADMINS}.create", flow.create_admin_key, wire.NewAdminKey, wire.AdminKeyCreate),
    route(f"GET {ADMINS}", f"{_ADMINS}.list", flow.list_admin_keys, Page[wire.AdminKey], wire.AdminKeyListing),
    route(f"GET {ADMIN}", f"{_ADMINS}.retrieve", flow.retrieve_admin_key, wire.AdminKey),
    route(f"DELETE {ADMIN}", f"{_ADMINS}.delete", flow.delete_admin_key, Deleted),
)  # fmt: skip
