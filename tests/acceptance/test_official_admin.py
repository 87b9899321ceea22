"""The official client's `client.admin.organization`, against a real server without an engine."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from asking import HELLO
from servers import Server, serving

SETTINGS = """
[engine]
enabled = false
[upstreams.closed]
base_url = "http://127.0.0.1:1/v1"
retries = 0
[models."dead"]
targets = ["closed/dead"]
price = "free"
[models."maker/other"]
targets = ["closed/other"]
price = "free"
"""
MONTH: Any = {"currency": "USD", "interval": "month"}
MAIL: Any = {"type": "email", "recipients": ["boss@example.org"], "subject_prefix": "[spend]"}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a server that nobody else uses."""
    with serving(tmp_path_factory.mktemp("office"), SETTINGS) as server:
        yield server


@pytest.fixture(scope="module")
def boss(office: Server) -> Iterator[openai.OpenAI]:
    """Open a client with an admin key."""
    key = office.key("--admin")
    with openai.OpenAI(base_url=office.base_url, api_key="none", admin_api_key=key, max_retries=0) as it:
        yield it


@pytest.fixture(scope="module")
def admin(boss: openai.OpenAI) -> Any:
    """Return what is tested."""
    return boss.admin.organization


@pytest.fixture
def project(admin: Any, request: pytest.FixtureRequest) -> Any:
    """Make a project of the test's name."""
    return admin.projects.create(name=request.node.name[:64])


def calls(office: Server, key: str) -> None:
    """Make a call with *key*: it is let in and fails at the upstream, which is not there."""
    with (
        openai.OpenAI(base_url=office.base_url, api_key=key, max_retries=0) as client,
        pytest.raises(openai.InternalServerError),
    ):
        client.chat.completions.create(model="dead", messages=HELLO)


def refused(office: Server, key: str) -> openai.AuthenticationError:
    """Return why a call with *key* is not let in."""
    with openai.OpenAI(base_url=office.base_url, api_key=key, max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as raised:
            client.chat.completions.create(model="dead", messages=HELLO)
        return raised.value


def test_project_is_created_renamed_and_listed(admin: Any, project: Any) -> None:
    """A project keeps its id under another name."""
    assert (project.object, project.status, project.archived_at) == ("organization.project", "active", None)
    assert admin.projects.update(project.id, name="Renamed").name == "Renamed"
    assert admin.projects.retrieve(project.id).name == "Renamed"
    assert project.id in {found.id for found in admin.projects.list(limit=1)}


def test_project_names_are_told_apart(admin: Any, project: Any) -> None:
    """Two projects cannot have one name."""
    with pytest.raises(openai.ConflictError) as raised:
        admin.projects.create(name=project.name)
    assert raised.value.param == "name"


def test_archiving_kills_keys_at_once(admin: Any, project: Any, office: Server) -> None:
    """A key works until its project is archived; the project is listed only when asked for, and stays as it is."""
    key = admin.projects.service_accounts.create(project.id, name="till").api_key.value
    calls(office, key)
    archived = admin.projects.archive(project.id)
    assert archived.status == "archived"
    assert archived.archived_at >= archived.created_at
    assert refused(office, key).code == "invalid_api_key"
    assert project.id not in {found.id for found in admin.projects.list()}
    assert project.id in {found.id for found in admin.projects.list(include_archived=True)}
    with pytest.raises(openai.BadRequestError):
        admin.projects.service_accounts.create(project.id, name="again")


def test_service_account_lives_and_dies(admin: Any, project: Any, office: Server) -> None:
    """It is made with a key that is told once; deleted, its key is dead."""
    accounts = admin.projects.service_accounts
    made = accounts.create(project.id, name="till")
    assert (made.object, made.role) == ("organization.project.service_account", "member")
    assert made.api_key.object == "organization.project.service_account.api_key"
    found = accounts.update(made.id, project_id=project.id, name="desk", role="owner")
    assert (found.name, found.role) == ("desk", "owner")
    assert accounts.retrieve(made.id, project_id=project.id) == found
    assert [one.id for one in accounts.list(project.id)] == [made.id]
    more = accounts.api_keys.create(made.id, project_id=project.id, name="second")
    calls(office, more.value)
    assert accounts.delete(made.id, project_id=project.id).deleted
    for key in (made.api_key.value, more.value):
        refused(office, key)


def test_service_account_without_a_key(admin: Any, project: Any) -> None:
    """It may be made without one."""
    made = admin.projects.service_accounts.create(project.id, name="till", create_service_account_only=True)
    assert (made.role, made.api_key) == ("none", None)
    assert list(admin.projects.api_keys.list(project.id)) == []


def test_project_keys(admin: Any, project: Any, office: Server) -> None:
    """Keys of the API and of the command line are listed page by page, without their values; deleted they are dead."""
    account = admin.projects.service_accounts.create(project.id, name="till", expires_in_seconds=600)
    other = office.key("--project", project.name, "--name", "by hand")
    keys = admin.projects.api_keys
    found = {key.name: key for key in keys.list(project.id, limit=1)}
    assert set(found) == {"Secret Key", "by hand"}
    mine = found["Secret Key"]
    assert (mine.owner.type, mine.owner.service_account.id) == ("service_account", account.id)
    assert mine.expires_at - mine.created_at == 600
    assert account.api_key.value not in mine.model_dump_json()
    assert keys.retrieve(mine.id, project_id=project.id) == mine
    longer = keys.update(mine.id, project_id=project.id, expires_in_seconds=900)
    assert longer.expires_at >= mine.created_at + 900
    assert keys.delete(found["by hand"].id, project_id=project.id).deleted
    refused(office, other)
    with pytest.raises(openai.NotFoundError):
        keys.retrieve(found["by hand"].id, project_id=project.id)


def test_admin_keys(admin: Any, boss: openai.OpenAI) -> None:
    """An admin key made by another administrates until it is deleted."""
    made = admin.admin_api_keys.create(name="deputy", expires_in_seconds=600)
    assert made.expires_at - made.created_at == 600
    deputy = boss.with_options(admin_api_key=made.value).admin.organization
    assert deputy.admin_api_keys.retrieve(made.id).redacted_value == made.redacted_value
    newest = admin.admin_api_keys.list(limit=1, order="desc")
    assert [key.id for key in newest.data] == [made.id]
    assert len(list(newest)) == len(list(admin.admin_api_keys.list())) == 2
    assert admin.admin_api_keys.delete(made.id).deleted
    with pytest.raises(openai.AuthenticationError):
        deputy.projects.list()


def test_keys_keep_to_their_side(boss: openai.OpenAI, office: Server) -> None:
    """A project key administrates nothing, an admin key makes no calls."""
    with pytest.raises(openai.PermissionDeniedError):
        boss.with_options(admin_api_key=office.key()).admin.organization.projects.list()
    with pytest.raises(openai.PermissionDeniedError):
        boss.with_options(api_key=boss.admin_api_key or "").chat.completions.create(model="dead", messages=HELLO)


def test_people(admin: Any, project: Any) -> None:
    """Somebody invited becomes a user, as the invite says, when a project adds that address."""
    granted = admin.projects.create(name="granted")
    invites, members, users = admin.invites, admin.projects.users, admin.users
    invite = invites.create(email="Ann@example.org", role="owner", projects=[{"id": granted.id, "role": "member"}])
    assert (invite.status, invites.retrieve(invite.id).status) == ("pending", "pending")
    ann = members.create(project.id, role="member", email="ann@example.org")
    assert (ann.object, ann.email, ann.role) == ("organization.project.user", "ann@example.org", "member")
    assert invites.retrieve(invite.id).status == "accepted"
    assert [one.id for one in members.list(granted.id)] == [ann.id]
    assert [one.role for one in users.list(emails=["ann@example.org"])] == ["owner"]
    assert members.update(ann.id, project_id=project.id, role="owner").role == "owner"
    assert members.retrieve(ann.id, project_id=project.id).role == "owner"
    assert users.update(ann.id, role="reader", technical_level="high").technical_level == "high"
    assert members.delete(ann.id, project_id=project.id).deleted
    assert members.create(project.id, role="member", user_id=ann.id).id == ann.id
    assert users.delete(ann.id).deleted
    assert list(members.list(project.id)) == []
    assert list(users.list(emails=["ann@example.org"])) == []


def test_invites_are_taken_back(admin: Any) -> None:
    """An address is invited once, until the invite is deleted."""
    invite = admin.invites.create(email="bob@example.org", role="reader")
    assert invite.id in {one.id for one in admin.invites.list(limit=1)}
    with pytest.raises(openai.ConflictError):
        admin.invites.create(email="bob@example.org", role="reader")
    assert admin.invites.delete(invite.id).deleted
    with pytest.raises(openai.NotFoundError):
        admin.invites.retrieve(invite.id)


def test_rate_limits(admin: Any, project: Any, office: Server) -> None:
    """Every named model has a rate limit; one that is set counts from the next call on."""
    rates = admin.projects.rate_limits
    assert {"dead", "maker/other"} <= {one.model for one in rates.list_rate_limits(project.id, limit=1)}
    key = admin.projects.service_accounts.create(project.id, name="till").api_key.value
    calls(office, key)
    set_to = {"max_requests_per_1_minute": 7, "max_tokens_per_1_minute": 0, "max_requests_per_1_day": 9}
    told = rates.update_rate_limit("rl-dead", project_id=project.id, **set_to, max_images_per_1_minute=3)
    assert {name: getattr(told, name) for name in set_to} == set_to
    client = openai.OpenAI(base_url=office.base_url, api_key=key, max_retries=0)
    with client, pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(model="dead", messages=HELLO)
    assert "TPM" in raised.value.message
    rates.update_rate_limit("rl-dead", project_id=project.id, max_tokens_per_1_minute=2**31 - 1)
    calls(office, key)


def test_rate_limits_of_ours(admin: Any, project: Any) -> None:
    """A model's name may have a slash; what only we limit has fields of its own; null removes a limit."""
    rates = admin.projects.rate_limits
    ours: Any = {"max_tokens_per_1_day": 5, "max_concurrent_requests": 2, "batch_1_day_max_input_tokens": 8}
    told = rates.update_rate_limit("rl-maker/other", project_id=project.id, extra_body=ours)
    assert {name: getattr(told, name) for name in ours} == ours
    told = rates.update_rate_limit("rl-maker/other", project_id=project.id, extra_body=dict.fromkeys(ours))
    assert {getattr(told, name) for name in ours} == {None}
    assert rates.update_rate_limit("rl-*", project_id=project.id, max_requests_per_1_minute=5).model == "*"
    with pytest.raises(openai.NotFoundError):
        rates.update_rate_limit("rl-nothing", project_id=project.id, max_requests_per_1_minute=5)


def test_spend_limit_of_the_organization(admin: Any) -> None:
    """It is not there, set, told, and removed."""
    with pytest.raises(openai.NotFoundError):
        admin.spend_limit.retrieve()
    told = admin.spend_limit.update(threshold_amount=12_345, **MONTH)
    assert (told.object, told.threshold_amount, told.interval) == ("organization.spend_limit", 12_345, "month")
    assert admin.spend_limit.retrieve() == told
    assert told.enforcement.status == "inactive"
    assert admin.spend_limit.delete().deleted


def test_spend_limit_of_a_project(admin: Any, project: Any, office: Server) -> None:
    """Limits a day and for good, and shorter answers, stand beside that of the month; the command line shows them."""
    limit = admin.projects.spend_limit
    ours: Any = {"day_threshold_amount": 100, "ever_threshold_amount": 0, "fit": True, "drain": True}
    told = limit.update(project.id, threshold_amount=500, **MONTH, extra_body=ours)
    assert {name: getattr(told, name) for name in ours} == ours
    assert told.enforcement.status == "enforcing"
    shown = office.run("budget", "list")
    assert "5.000000000" in shown
    assert "(--fit), streams that go on when their client hangs up (--drain)" in shown
    listed = json.loads(office.run("budget", "list", "--json"))
    assert {(one["fit"], one["open"]) for one in listed if one["rule"]["owner"] == project.id} == {(True, False)}
    told = limit.update(project.id, threshold_amount=500, **MONTH, extra_body={"ever_threshold_amount": None})
    assert (told.enforcement.status, told.day_threshold_amount) == ("inactive", 100)
    assert limit.delete(project.id).object == "project.spend_limit.deleted"
    with pytest.raises(openai.NotFoundError):
        limit.retrieve(project.id)


@pytest.mark.parametrize("scope", ["organization", "project"])
def test_spend_alerts(admin: Any, project: Any, scope: str) -> None:
    """Alerts are made, replaced, listed both ways and deleted; each owner has its own."""
    where = [project.id] if scope == "project" else []
    named = {"project_id": project.id} if where else {}
    alerts = admin.projects.spend_alerts if where else admin.spend_alerts
    made = [alerts.create(*where, threshold_amount=n, notification_channel=MAIL, **MONTH).id for n in (1, 2, 3)]
    assert [one.id for one in alerts.list(*where, limit=1)] == made
    assert [one.id for one in alerts.list(*where, order="desc", limit=2)] == made[::-1]
    assert [one.id for one in alerts.list(*where, before=made[2], limit=1).data] == [made[1]]
    told = alerts.update(made[0], **named, threshold_amount=7, notification_channel=MAIL, **MONTH)
    assert (told.threshold_amount, told.notification_channel.recipients) == (7, ["boss@example.org"])
    assert alerts.retrieve(made[0], **named) == told
    assert told.object == f"{scope}.spend_alert"
    assert alerts.delete(made[0], **named).object == f"{scope}.spend_alert.deleted"
    with pytest.raises(openai.NotFoundError):
        alerts.retrieve(made[0], **named)


def test_cursor_of_another_list(admin: Any, project: Any) -> None:
    """It is refused, and so is one that nobody knows, on every list."""
    lists = [
        admin.projects.list,
        admin.users.list,
        admin.invites.list,
        admin.admin_api_keys.list,
        admin.spend_alerts.list,
        *(
            lambda part=part, **asked: part(project.id, **asked)
            for part in (
                admin.projects.api_keys.list,
                admin.projects.service_accounts.list,
                admin.projects.users.list,
                admin.projects.spend_alerts.list,
                admin.projects.rate_limits.list_rate_limits,
            )
        ),
    ]
    other = admin.spend_alerts.create(threshold_amount=1, notification_channel=MAIL, **MONTH).id
    for one in lists:
        cursor = other if one != admin.spend_alerts.list else project.id
        for after in (cursor, "nothing\0"):
            with pytest.raises(openai.BadRequestError) as raised:
                one(after=after)
            assert raised.value.param == "after"


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"mood": 1}, "mood", "unknown_parameter"),
        ({"max_requests_per_1_minute": -1}, "max_requests_per_1_minute", "integer_below_min_value"),
        ({"max_tokens_per_1_day": 2**80}, "max_tokens_per_1_day", "integer_above_max_value"),
        ({"max_tokens_per_1_minute": "many"}, "max_tokens_per_1_minute", "invalid_type"),
    ],
)
def test_wrong_bodies(admin: Any, project: Any, body: Any, param: str, code: str) -> None:
    """What is unknown, below zero, too large or no number is refused by its name."""
    with pytest.raises(openai.BadRequestError) as raised:
        admin.projects.rate_limits.update_rate_limit("rl-dead", project_id=project.id, extra_body=body)
    assert (raised.value.param, raised.value.code) == (param, code)


def test_wrong_body_of_what_needs_none(admin: Any, project: Any) -> None:
    """Something meant is not passed over: the project is not archived."""
    with pytest.raises(openai.BadRequestError) as raised:
        admin.projects.archive(project.id, extra_body={"after": 30})
    assert (raised.value.param, raised.value.code) == ("after", "unknown_parameter")
    assert admin.projects.retrieve(project.id).status == "active"


def test_renamed_to_a_name_that_is_taken(admin: Any, project: Any) -> None:
    """It keeps its own."""
    other = admin.projects.create(name=f"{project.name} too")
    with pytest.raises(openai.ConflictError):
        admin.projects.update(other.id, name=project.name)
    assert admin.projects.retrieve(other.id).name == other.name


@pytest.mark.parametrize("name", ["", "x" * 257, 5, None])
def test_wrong_names(admin: Any, name: Any) -> None:
    """A project is called something, in at most 256 signs."""
    with pytest.raises(openai.BadRequestError) as raised:
        admin.projects.create(name=name)
    assert raised.value.param == "name"


def test_unknown_objects(admin: Any, project: Any) -> None:
    """What is not there, or is another project's, is not found."""
    other = admin.projects.create(name=f"{project.name} too")
    account = admin.projects.service_accounts.create(other.id, name="till")
    for attempt in (
        lambda: admin.projects.retrieve("proj_none"),
        lambda: admin.projects.archive("proj_none"),
        lambda: admin.projects.api_keys.list("proj_none"),
        lambda: admin.projects.service_accounts.retrieve(account.id, project_id=project.id),
        lambda: admin.projects.service_accounts.delete(account.id, project_id=project.id),
        lambda: admin.projects.api_keys.delete(account.api_key.id, project_id=project.id),
        lambda: admin.projects.users.create(project.id, role="member", user_id="user-none"),
        lambda: admin.projects.rate_limits.update_rate_limit("dead", project_id=project.id),
        lambda: admin.users.retrieve("user-none"),
        lambda: admin.admin_api_keys.delete(account.api_key.id),
    ):
        with pytest.raises(openai.NotFoundError):
            attempt()


def test_wrong_queries(admin: Any) -> None:
    """So is what a list does not know, and a limit out of bounds."""
    for query, param in (({"mood": "1"}, "mood"), ({"limit": "0"}, "limit"), ({"limit": "-1"}, "limit")):
        with pytest.raises(openai.BadRequestError) as raised:
            admin.projects.list(extra_query=query)
        assert raised.value.param == param
    with pytest.raises(openai.BadRequestError) as raised:
        admin.spend_limit.update(threshold_amount=-1, **MONTH)
    assert raised.value.param == "threshold_amount"
