"""Rules of databases: deadlines, readiness, several hosts, and the move to PostgreSQL."""

from tests.sabotage import Sabotage

DATABASES = [
    Sabotage(
        "a statement without an answer fails at a deadline",
        "utils/database/postgres.py",
        "            timeout = self.answer_timeout\n",
        "            timeout = None\n",
        "test_deadlines.py::test_statement_without_an_answer_fails_and_its_connection_is_replaced",
    ),
    Sabotage(
        "a connection is closed at its deadline",
        "utils/database/postgres.py",
        "            self.pgconn.finish()  #",
        "            #",
        "test_deadlines.py::test_connection_is_closed_at_its_deadline",
    ),
    Sabotage(
        "the server limits the statements of serving connections",
        "utils/database/postgres.py",
        '"-c statement_timeout={STATEMENT_TIMEOUT}s -c lock',
        '"-c lock',
        "test_deadlines.py::test_serving_connections_limit_statements_and_lock_waits",
    ),
    Sabotage(
        "pruning has no limits",
        "auth/admin/slices.py",
        "    @maintenance()\n",
        "",
        "test_deadlines.py::test_migrations_and_pruning_have_no_limits",
    ),
    Sabotage(
        "each migration is a transaction of its own",
        "migrations/env.py",
        "transaction_per_migration=True",
        "transaction_per_migration=False",
        "test_migrations.py::test_migration_locks_one_table_in_use",
    ),
    Sabotage(
        "one readiness check runs at a time",
        "utils/database/readiness.py",
        "            if self._result.done():\n                self._result, ",
        "            if True:\n                self._result, ",
        "test_readiness.py::test_hanging_check_is_not_started_twice",
    ),
    Sabotage(
        "a hanging readiness check is a 503 in time",
        "utils/database/readiness.py",
        "result.result(max(left, 0))",
        "result.result(max(left, 0) + 10)",
        "test_readiness.py::test_hanging_check_is_not_started_twice",
    ),
    Sabotage(
        "a host that hung is tried last",
        "utils/database/postgres.py",
        "problem, self._hung[_host(attempt)] = timeout, monotonic()",
        "problem = timeout",
        "test_postgres_hosts.py::test_every_host_is_reached_although_others_hang",
    ),
    Sabotage(
        "several hosts need a session that can write",
        "config_values.py",
        """    if len(re.findall(r"[?&]host=", hosts)) > 1""",
        """    if len(re.findall(r"[?&]host=", hosts)) > 2""",
        "test_postgres_hosts.py::test_several_database_hosts_need_a_session_that_can_write",
    ),
    Sabotage(
        "a copy needs the SQLite file for itself",
        "utils/database/copying.py",
        "PRAGMA locking_mode=EXCLUSIVE",
        "PRAGMA locking_mode=NORMAL",
        "test_database_copy.py::test_copy_is_refused_while_another_process_has_the_file_open",
    ),
    Sabotage(
        "a copy is compared with its source",
        "utils/database/copying.py",
        "        if _checksum(target, table) != expected:",
        "        if not _checksum(target, table):",
        "test_database_copy.py::test_copy_that_differs_is_refused",
    ),
    Sabotage(
        "ids go on after those of deleted rows",
        "utils/database/copying.py",
        'source.execute(used, {"name": table.name}).scalar() or 0',
        "0",
        "test_database_copy.py::test_ids_of_deleted_accounts_are_not_reused_after_the_copy",
    ),
    Sabotage(
        "a copy goes into empty tables only",
        "utils/database/copying.py",
        "    if used:\n",
        "    if used and len(used) > 99:\n",
        "test_database_copy.py::test_second_copy_is_refused_and_changes_nothing",
    ),
    Sabotage(
        "a promoted standby does not wait for a standby",
        "docs/guides/operator.md",
        """    psql -c "ALTER SYSTEM SET synchronous_standby_names = ''" -c "SELECT pg_reload_conf()"\n""",
        "",
        "test_postgres_failover.py::test_standby_takes_over_from_a_killed_primary_under_load",
    ),
]
