"""The tables, as SQLAlchemy Core knows them; `migrations/` makes them.

The columns of `calls` stand in the order of `parley.store.ledger.Record`'s fields: the writers hand rows over
as plain tuples. Times are integers (nanoseconds since 1970), money is integer nano-dollars.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
    or_,
    text,
)

HEAD = "0003"
"""The newest revision in `migrations/versions`: a database that has it needs no migration."""

metadata = MetaData()

projects = Table(
    "projects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column(
        "fit", Boolean, nullable=False, server_default=false()
    ),  # shorter answers where the budget is nearly used up
    Column("open", Boolean, nullable=False, server_default=false()),  # answered though the database is away
    Column("title", Text),  # what it is called today, where that is not its name: rows of calls hold the name
    Column("archived_at", BigInteger),
    Column("drain", Boolean, nullable=False, server_default=false()),  # streams go on when their client hangs up
)


def named(name: str) -> ColumnElement[bool]:
    """Return the condition that a project is called *name*, today or in its calls' rows."""
    return or_(projects.c.name == name, projects.c.title == name)


keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("admin", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("owner", Text),  # the service account it was made for
    Column("expires_at", BigInteger),
    Column("last_used_at", BigInteger),
)

rules = Table(
    "rules",  # limits and budgets (`parley.core.rules`)
    metadata,
    Column("id", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Index("rules_identity", "scope", "owner", "model", "measure", "period", unique=True),
)

calls = Table(
    "calls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("project", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("model_asked", Text),
    Column("model_answered", Text),
    Column("upstream", Text),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("exact", Boolean, nullable=False),
    Column("cost", BigInteger, nullable=False),
    Column("price", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("code", Text),
    Column("outcome", Text, nullable=False),
    Column("streamed", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_token_us", BigInteger),
    Column("total_us", BigInteger, nullable=False),
    Index("calls_by_project", "project", "at"),
    Index("calls_by_time", "at"),
    sqlite_with_rowid=False,  # one tree instead of two: ids grow with time, so rows are appended to it
)

completions = Table(
    "completions",
    metadata,
    Column("project", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("created", BigInteger, nullable=False),
    Column("model", Text, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Index("completions_by_age", "project", "created", "id"),
)

labels = Table(
    "completion_labels",  # OpenAI's `metadata`, one row a pair, so that it can be searched
    metadata,
    Column("project", Text, primary_key=True),
    Column("completion", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    ForeignKeyConstraint(["project", "completion"], ["completions.project", "completions.id"], ondelete="CASCADE"),
    sqlite_with_rowid=False,
)

pulse = Table(
    "pulse",  # one row that `ready` writes, to prove that a write would succeed
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
)

counters = Table(
    "counters",  # what limits and budgets are decided by (`parley.store.counters`)
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

leases = Table(
    "leases",  # one row a process that holds anything; one that is not renewed has died
    metadata,
    Column("id", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

holds = Table(
    "holds",  # what calls that are not settled have taken of the counters
    metadata,
    Column("id", Text, primary_key=True),
    Column("lease", Text, nullable=False),
    Column("needs", LargeBinary, nullable=False),
    Column("about", LargeBinary, nullable=False),
    Index("holds_by_lease", "lease"),
    sqlite_with_rowid=False,
)

accounts = Table(
    "service_accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("project", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Index("service_accounts_by_project", "project", "created_at"),
)

people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("email", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("developer_persona", Text),
    Column("technical_level", Text),
)

members = Table(
    "members",  # which people belong to which projects; id is the person's
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("project", Text, primary_key=True),
    Column("role", Text, nullable=False),
)

invites = Table(
    "invites",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("projects", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("accepted_at", BigInteger),
    Index("invites_by_email", "email"),
)

alerts = Table(
    "spend_alerts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("project", Text, nullable=False),  # its id; empty: the organization's
    Column("interval", Text, nullable=False),
    Column("threshold_amount", BigInteger, nullable=False),
    Column("notification_channel", LargeBinary, nullable=False),
    Index("spend_alerts_by_project", "project", "created_at"),
)

alarms = Table(
    "spend_alarms",  # alerts that were reached, each once in its period, and whether somebody was told
    metadata,
    Column("alert", Text, primary_key=True),
    Column("period", Text, primary_key=True),  # such as 2026-11
    Column("threshold_amount", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("spent", BigInteger, nullable=False),
    Column("tried_at", BigInteger, nullable=False),
    Column("told_at", BigInteger),
    sqlite_with_rowid=False,
)

idempotency = Table(
    "idempotency",  # calls that must not happen twice, and their answers (`parley.store.replays`)
    metadata,
    Column("project", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("call", Text, nullable=False),
    Column("lease", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("answer", LargeBinary),  # null while the call is running
    Index("idempotency_by_age", "created_at"),
)

audit = Table(
    "audit",  # the chain (`parley.store.chain`), its columns in the order of a Link's fields
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("audit_deeds", "seq", sqlite_where=text("kind <> 'calls'"), postgresql_where=text("kind <> 'calls'")),
)

audit_ends = Table(
    "audit_ends",  # two rows: `head`, the last row of the chain, and `checkpoint`, the last one that was deleted
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("total", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
