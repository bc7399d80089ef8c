"""Fills an empty, migrated PostgreSQL with accounts and the rows of a year of use."""

from contextlib import closing
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine.default import DefaultDialect

OLD = 0.05  # the share of rows that `prune` deletes
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
HASH = "'scrypt:32768:8:3$' || md5(n::text) || '$' || repeat(md5('hash' || n), 4)"
# Assigns consecutive rows to different accounts, so that the rows of an account are far apart on disk, as if
# written over months.
WHOSE = "1 + n::bigint * 7919 % :users"
ADDRESS = "'198.51.' || n % 256 || '.' || n % 251"
NUMBERED = "(SELECT n, random() AS chance, random() AS part FROM generate_series(1, :rows) AS n) AS numbered"


class Rows(NamedTuple):
    """A table with its columns, and the SELECT that generates their values."""

    table: str
    values: str


USERS = Rows(
    """users (id, username, username_key, email, email_key, password_hash, password_changed_at, created_at,
    email_verified_at, deletion_due_at, tokens_valid_after, terms_accepted_at, terms_version)""",
    f"""
SELECT n, 'user-' || n, 'user-' || n, 'user-' || n || '@example.com', 'user-' || n || '@example.com', {HASH},
    began, began, CASE WHEN n % 33 > 0 THEN began END,
    CASE WHEN n % 5000 = 0 THEN now() - interval '1 day' END, began, began, '1'
FROM (SELECT n, now() - interval '400 days' * (1 - n / :rows ::float) AS began
    FROM generate_series(1, :rows) AS n) AS numbered
""",
)
# Of twenty: one is old, ten are active, five were ended, four expired.
SESSIONS = Rows(
    """sessions (id, user_id, secret, generation, remembered, amr, auth_time, created_at, last_used_at,
    rotated_at, idle_end, absolute_end, ip_address, user_agent, ended_at, end_reason)""",
    f"""
SELECT gen_random_uuid(), {WHOSE}, sha256(n::text::bytea), n % 40, true, 'pwd', began, began, used, used,
    used + interval '30 days', began + interval '90 days', {ADDRESS}, '{AGENT}',
    CASE WHEN ended THEN used END, CASE WHEN ended THEN 'signed_out' END
FROM (SELECT n, used, ended, used - interval '3 days' AS began FROM (SELECT n,
    now() - interval '1 day' * CASE WHEN chance < :old / 2 THEN 35 + 5 * part
        WHEN chance < :old THEN 65 + 5 * part WHEN chance < 0.8 THEN 28 * part
        ELSE 31 + 25 * part END AS used,
    chance < :old / 2 OR chance BETWEEN 0.55 AND 0.8 AS ended FROM {NUMBERED}) AS aged) AS lived
""",
)
EVENTS = Rows(
    """audit_events (at, event, user_id, session_id, ip_address, user_agent, request_id, count)""",
    f"""
SELECT now() - interval '365 days' / (1 - :old) * (1 - n / :rows ::float),
    (ARRAY['session_refreshed', 'signed_in', 'session_refreshed', 'signed_out'])[1 + n % 4], {WHOSE},
    gen_random_uuid(), {ADDRESS}, '{AGENT}', left(md5(n::text), 16), 1
FROM generate_series(1, :rows) AS n
""",
)
DEVICES = Rows(
    """known_devices (user_id, device_id, first_seen_at, last_seen_at)""",
    f"""
SELECT {WHOSE}, gen_random_uuid(), now() - interval '380 days',
    now() - interval '1 day' * CASE WHEN chance < :old THEN 366 + 9 * part ELSE 360 * part END
FROM {NUMBERED}
""",
)
TOKENS = Rows(
    """one_time_tokens (id, purpose, user_id, email, email_key, nonce, created_at, expires_at, used_at)""",
    f"""
SELECT gen_random_uuid(), 'disown', whose, 'user-' || whose || '@example.com',
    'user-' || whose || '@example.com', decode(md5(n::text), 'hex'), began, began + interval '7 days',
    CASE WHEN n % 4 = 0 THEN began + interval '1 day' END
FROM (SELECT n, {WHOSE} AS whose,
    now() - interval '1 day' * CASE WHEN chance < :old THEN 38 + 2 * part ELSE 29 * part END AS began
    FROM {NUMBERED}) AS aged
""",
)
MAILS = Rows(
    """outbox (message_id, template, facts, user_id, recipient, token_id, created_at, due_at, attempts,
    sent_at)""",
    """
SELECT gen_random_uuid(), 'new_sign_in',
    '{"when": "25 November 2026, 14:00 UTC", "browser": "Chrome on Linux"}',
    user_id, email, id, created_at, created_at + interval '2 minutes', 1, created_at + interval '1 second'
FROM one_time_tokens
""",
)
WINDOWS = Rows(
    """rate_limits (key, calls, ends_at)""",
    """
SELECT 'login-account-' || md5(n::text), 3, now() - interval '1 hour' FROM generate_series(1, :rows) AS n
""",
)
# Thirty roles of twenty permissions beside the built-in ones; every role has `reports:read`.
ROLES = Rows(
    "roles (id, name, created_at)",
    "SELECT 2 + n, 'role-' || n, now() FROM generate_series(1, :rows) AS n",
)
PERMISSIONS = Rows(
    "role_permissions (role_id, permission)",
    """
SELECT 3 + n % 30, CASE WHEN n < 30 THEN 'reports:read' ELSE 'thing-' || n || ':read' END
FROM generate_series(0, :rows - 1) AS n
""",
)
# Each account has a role, and three of ten have two.
GRANTS = Rows(
    "user_roles (user_id, role_id, granted_at)",
    f"""
SELECT {WHOSE}, 3 + (n + CASE WHEN n > :users THEN 7 ELSE 0 END) % 30, now()
FROM generate_series(1, :rows) AS n
""",
)
# One client with a secret of `PARTY_SECRET`, which most accounts allowed.
PARTY, PARTY_SECRET = "scale", "the secret of the client of make scale"
CLIENTS = Rows(
    """oauth_clients (id, name, kind, redirect_uris, post_logout_uris, scopes, pkce, trusted, id_token_alg,
    claims_in_id_token, takes_unverified, require_factor, created_at, last_used_at, notice_failures)""",
    f"""
SELECT '{PARTY}', 'Scale', 'web', '["https://app.example.com/callback"]'::json, '[]'::json,
    '["openid", "profile", "email", "offline_access"]'::json, 'optional', false, 'RS256', true, false, false,
    now(), now(), 0
""",
)
SECRETS = Rows(
    "oauth_client_secrets (id, client_id, digest, created_at, last_used_at)",
    f"SELECT gen_random_uuid(), '{PARTY}', sha256('{PARTY_SECRET}'::bytea), now(), now()",
)
CONSENTS = Rows(
    "oauth_consents (user_id, client_id, scopes, resources, client_digest, granted_at)",
    f"""
SELECT n, '{PARTY}', '["openid", "profile", "email"]'::json, '[]'::json, sha256('shown'), now()
FROM generate_series(1, :users) AS n
""",
)
_GRANT_COLUMNS = """oauth_grants (id, user_id, client_id, session_id, sid, secret, generation, rotated_at,
    scopes, offline, auth_time, amr, created_at, last_used_at, idle_end, absolute_end, ip_address, user_agent,
    ended_at, end_reason)"""
_OF_SESSION = f"""
gen_random_uuid(), user_id, '{PARTY}', id, left(encode(sha256(id::text::bytea), 'hex'), 43),
    sha256(id::text::bytea), generation, rotated_at, '["openid", "profile", "email"]'::json, false, auth_time,
    'pwd', created_at, last_used_at, idle_end, absolute_end, ip_address, user_agent
"""
# One in a living session of each account, the one that `active_sessions` returns.
APP_GRANTS = Rows(
    _GRANT_COLUMNS,
    f"""
SELECT DISTINCT ON (user_id) {_OF_SESSION}, NULL, NULL FROM sessions
WHERE ended_at IS NULL AND idle_end > now() + interval '1 day' ORDER BY user_id, id
""",
)
# And one of ten accounts' that ended; half of these are pruned.
ENDED_APP_GRANTS = Rows(
    _GRANT_COLUMNS,
    f"""
SELECT {_OF_SESSION}, now() - interval '1 day' * (10 + 40 * random()), 'session_ended'
FROM sessions WHERE ended_at IS NOT NULL LIMIT :rows
""",
)
CHOSEN = """
WITH chosen AS MATERIALIZED (
    SELECT DISTINCT 1 + floor(random() * :users)::int AS id FROM generate_series(1, :wanted))
SELECT DISTINCT ON (users.id) users.username, known_devices.device_id, sessions.*
FROM chosen JOIN users USING (id) JOIN sessions ON sessions.user_id = users.id
    JOIN known_devices ON known_devices.user_id = users.id
WHERE deletion_due_at IS NULL AND ended_at IS NULL AND idle_end > now() + interval '1 day'
ORDER BY users.id, sessions.id
"""
SERIAL = ("users", "audit_events", "outbox", "roles")


class Size(NamedTuple):
    """Numbers of rows. The other tables depend on the accounts; each has a grant of an app."""

    users: int
    sessions: int
    events: int


def fill(engine: Engine, size: Size) -> None:
    """Insert the rows, build the indexes, and run VACUUM (ANALYZE)."""
    steps = (
        (USERS, size.users),
        (SESSIONS, size.sessions),
        (EVENTS, size.events),
        (DEVICES, 2 * size.users),
        (TOKENS, size.users),
        (MAILS, 0),
        (WINDOWS, size.users // 10),
        (ROLES, 30),
        (PERMISSIONS, 600),
        (GRANTS, size.users * 13 // 10),
        (CLIENTS, 1),
        (SECRETS, 1),
        (CONSENTS, 0),
        (APP_GRANTS, 0),
        (ENDED_APP_GRANTS, size.users // 10),
    )
    with engine.begin() as connection:
        indexes = _take_indexes(connection)
    for made, number in steps:
        given = {"rows": number, "users": size.users, "old": OLD}
        _copy(engine, made, {name: value for name, value in given.items() if f":{name}" in made.values})
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
        for definition in indexes:
            connection.execute(text(definition))
        for table in SERIAL:
            highest = f"(SELECT max(id) FROM {table})"
            connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {highest})"))
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("VACUUM (ANALYZE)"))
        connection.execute(text("CHECKPOINT"))


def _copy(engine: Engine, made: Rows, given: dict[str, float]) -> None:
    """Insert rows by COPY: one connection generates them, another stores them."""
    values = text(made.values).bindparams(**given)
    select = str(values.compile(dialect=DefaultDialect(), compile_kwargs={"literal_binds": True}))
    with closing(engine.raw_connection()) as source, closing(engine.raw_connection()) as target:
        out, into = source.cursor(), target.cursor()
        into.execute("SET LOCAL session_replication_role = replica")  # the generated foreign keys are valid
        with (
            out.copy(f"COPY ({select}) TO STDOUT") as rows,
            into.copy(f"COPY {made.table} FROM STDIN") as taken,
        ):
            for data in rows:
                taken.write(data)
        target.commit()


def _take_indexes(connection: Connection) -> list[str]:
    """Drop the indexes that are not constraints; return their definitions. Building them last is faster."""
    made = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE 'ix%'"
    found = connection.execute(text(made)).all()
    for name, _ in found:
        connection.execute(text(f"DROP INDEX {name}"))
    return [definition for _, definition in found]


def bytes_a_row(engine: Engine) -> dict[str, tuple[int, int, int]]:
    """Return, per non-empty table, its rows, bytes per row, and bytes per row with indexes."""
    found = {}
    with engine.connect() as connection:
        tables = connection.scalars(
            text("SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public' ORDER BY relname")
        ).all()
        for table in tables:
            sizes = f"pg_table_size('{table}'), pg_total_relation_size('{table}')"
            rows, alone, whole = connection.execute(text(f"SELECT count(*), {sizes} FROM {table}")).one()
            if rows:
                found[table] = (rows, alone // rows, whole // rows)
    return found


def database_size(engine: Engine) -> int:
    """Return the size of the database in bytes."""
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)


def active_sessions(connection: Connection, users: int, wanted: int) -> list[dict[str, object]]:
    """Return an active session and a known device each, of at most `wanted` random accounts."""
    rows = connection.execute(text(CHOSEN), {"users": users, "wanted": wanted})
    return [dict(row) for row in rows.mappings()]
