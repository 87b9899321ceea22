"""Counters for limits and budgets, the holds of calls on them, the leases those live by; what administration manages;
answers for who asks twice; the audit log.
"""  # noqa: D205 - one sentence

import time

import sqlalchemy as sa
from alembic import op

from parley.store.chain import CHECKPOINT, HEAD, START, Pruned, of_calls
from parley.store.tables import audit, audit_ends, calls

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.add_column("projects", sa.Column("fit", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("projects", sa.Column("open", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "rules",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("measure", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
    )
    op.create_index("rules_identity", "rules", ["scope", "owner", "model", "measure", "period"], unique=True)
    op.create_table(
        "counters",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.Column("held", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "leases",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("until", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("lease", sa.Text, nullable=False),
        sa.Column("needs", sa.LargeBinary, nullable=False),
        sa.Column("about", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("holds_by_lease", "holds", ["lease"])
    _administration()
    _idempotency()
    _usage()
    _audit()


def _administration() -> None:
    op.add_column("projects", sa.Column("title", sa.Text))
    op.add_column("projects", sa.Column("archived_at", sa.BigInteger))
    op.add_column("keys", sa.Column("owner", sa.Text))
    op.add_column("keys", sa.Column("expires_at", sa.BigInteger))
    op.add_column("keys", sa.Column("last_used_at", sa.BigInteger))
    op.create_table(
        "service_accounts",
        *_head(),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
    )
    op.create_index("service_accounts_by_project", "service_accounts", ["project", "created_at"])
    _people()
    op.create_table(
        "spend_alerts",
        *_head(),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("interval", sa.Text, nullable=False),
        sa.Column("threshold_amount", sa.BigInteger, nullable=False),
        sa.Column("notification_channel", sa.LargeBinary, nullable=False),
    )
    op.create_index("spend_alerts_by_project", "spend_alerts", ["project", "created_at"])
    op.create_table(
        "spend_alarms",
        sa.Column("alert", sa.Text, primary_key=True),
        sa.Column("period", sa.Text, primary_key=True),
        sa.Column("threshold_amount", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("spent", sa.BigInteger, nullable=False),
        sa.Column("tried_at", sa.BigInteger, nullable=False),
        sa.Column("told_at", sa.BigInteger),
        sqlite_with_rowid=False,
    )


def _people() -> None:
    op.create_table(
        "people",
        *_head(),
        sa.Column("email", sa.Text, nullable=False, unique=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("developer_persona", sa.Text),
        sa.Column("technical_level", sa.Text),
    )
    op.create_table(
        "members",
        *_head(),
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
    )
    op.create_table(
        "invites",
        *_head(),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("projects", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("accepted_at", sa.BigInteger),
    )
    op.create_index("invites_by_email", "invites", ["email"])


def _head() -> tuple[sa.Column[str], sa.Column[int]]:
    return sa.Column("id", sa.Text, primary_key=True), sa.Column("created_at", sa.BigInteger, nullable=False)


def _idempotency() -> None:
    """Make the table of calls that must not happen twice."""
    op.create_table(
        "idempotency",
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("lease", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("answer", sa.LargeBinary),
    )
    op.create_index("idempotency_by_age", "idempotency", ["created_at"])


def _audit() -> None:
    """Make the audit log, and begin its chain with the calls that are there already."""
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    deeds = sa.text("kind <> 'calls'")
    op.create_index("audit_deeds", "audit", ["seq"], sqlite_where=deeds, postgresql_where=deeds)
    op.create_table(
        "audit_ends",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("total", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    seq, before = _adopt()
    nothing = {"at": 0, "calls": 0, "total": Pruned().total}
    for name, end, found in ((HEAD, seq, before), (CHECKPOINT, 0, START)):
        op.get_bind().execute(audit_ends.insert().values(name=name, seq=end, hash=found, **nothing))


def _adopt() -> tuple[int, bytes]:
    """Put the calls that are there already into the chain; return where it ends."""
    seq, before, last = 0, START, ""
    while rows := op.get_bind().execute(calls.select().where(calls.c.id > last).order_by(calls.c.id).limit(500)).all():
        link = of_calls(seq, before, [tuple(row) for row in rows], time.time_ns())
        op.get_bind().execute(audit.insert().values(link))
        seq, before, last = link[0], link[-1], rows[-1].id
    return seq, before


def _usage() -> None:
    """Let the rows of a stretch of time be found."""
    op.create_index("calls_by_time", "calls", ["at"])
