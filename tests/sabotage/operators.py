"""Rules of the commands of operators."""

from tests.sabotage import Sabotage

OPERATORS = [
    Sabotage(
        "all is not well after a warning",
        "auth/admin/finding.py",
        "return WARNINGS_ONLY if self.warnings else WELL",
        "return WELL",
        "test_doctor.py::test_all_is_well_is_said_without_problems_and_warnings_only",
    ),
    Sabotage(
        "the public address is that of this service",
        "auth/admin/doctor.py",
        ' and refusal.headers["WWW-Authenticate"] == TokenMissing.challenge',
        "",
        "test_doctor.py::test_only_the_service_itself_counts_at_the_public_address",
    ),
    Sabotage(
        "a probe that fails is logged",
        "utils/observability/logs.py",
        "(record.route in PROBES and record.status < 400)",
        "record.route in PROBES",
        "test_logs.py::test_probes_are_logged_only_if_they_fail",
    ),
    Sabotage(
        "an account that an operator closes has no session",
        "auth/accounts/deletion.py",
        "    revoke.revoke_all(services, tx, account.id, reason, purposes=revoke.CREDENTIAL_LINKS)\n",
        "",
        "test_closing.py::test_operator_closes_an_account_as_its_owner_would",
    ),
    Sabotage(
        "an account that an operator closes has no API token",
        "auth/accounts/deletion.py",
        "    api_tokens.revoke_all(tx, account.id, services.clock.now())\n",
        "",
        "test_closing.py::test_closing_revokes_api_tokens_for_good",
    ),
    Sabotage(
        "the link that restores an account is void after an operator restored it",
        "auth/accounts/deletion.py",
        "    one_time_tokens.void(tx, user_id, [LinkPurpose.RESTORE], services.clock.now())\n",
        "",
        "test_closing.py::test_operator_restores_an_account_that_operator_or_owner_closed",
    ),
    Sabotage(
        "a second close does not prolong the first one",
        "auth/admin/closing.py",
        "    if account.deletion_due_at:\n        return Closed(account.deletion_due_at, changed=False)\n",
        "",
        "test_closing.py::test_repeated_close_and_restore_change_nothing",
    ),
    Sabotage(
        "an administrator does not close the account of the last administrator",
        "auth/admin/closing.py",
        "        authority.keep_an_administrator(services, account.id)\n",
        "        pass\n",
        "test_authority.py::test_last_administrator_is_kept",
    ),
    Sabotage(
        "an account is closed by who may close accounts",
        "auth/admin/closing.py",
        "AuthPermission.ACCOUNTS, account)\n    if isinstance(actor",
        "AuthPermission.SUPPORT, account)\n    if isinstance(actor",
        "test_authority.py::test_account_that_may_only_support_does_not_close_accounts",
    ),
    Sabotage(
        "a change of address by an operator takes no address of another account",
        "auth/admin/addresses.py",
        "    if users.by_email(tx, email):\n        raise EmailTaken\n",
        "",
        "test_addresses.py::test_change_to_an_address_that_is_taken_or_reserved_is_refused",
    ),
    Sabotage(
        "a change of address by an operator takes no reserved address",
        "auth/admin/addresses.py",
        "    if one_time_tokens.address_is_reserved(tx, email, account.id, services.clock.now()):\n"
        "        raise EmailTaken\n",
        "",
        "test_addresses.py::test_change_to_an_address_that_is_taken_or_reserved_is_refused",
    ),
    Sabotage(
        "an address that an operator confirmed leaves no second factor from before",
        "auth/admin/addresses.py",
        "    resets.remove_factors_silently(services, tx, account.id)\n",
        "",
        "test_addresses.py::test_confirmation_by_an_operator_removes_what_the_registrant_added",
    ),
    Sabotage(
        "an address that an operator confirmed leaves no device from before",
        "auth/admin/addresses.py",
        "    known_devices.forget_all(tx, account.id)\n",
        "",
        "test_addresses.py::test_confirmation_by_an_operator_removes_what_the_registrant_added",
    ),
    Sabotage(
        "an address that an operator confirmed leaves no session from before",
        "auth/admin/addresses.py",
        "    revoke.revoke_all(services, tx, account.id, EndReason.OPERATOR, "
        "purposes=revoke.CREDENTIAL_LINKS)\n",
        "",
        "test_addresses.py::test_confirmation_by_an_operator_removes_what_the_registrant_added",
    ),
    Sabotage(
        "the reason of a confirmation goes with the account",
        "auth/stores/audit.py",
        ", Event.EMAIL_CONFIRMED)\n",
        ")\n",
        "test_addresses.py::test_erasure_removes_the_reason_of_a_confirmation",
    ),
    Sabotage(
        "the number of accounts that are logged in is counted within a bound",
        "auth/stores/logged_in.py",
        "        .limit(limit)\n        .subquery()\n    )\n    living = (newest",
        "        .subquery()\n    )\n    living = (newest",
        "test_logged_in.py::test_count_looks_at_a_bounded_number_of_sessions",
    ),
    Sabotage(
        "a scrape of the metrics causes a count",
        "ops/routes.py",
        "    services().counting.wake()  # for the next scrape\n",
        "",
        "test_logged_in.py::test_scrape_wakes_the_counting_and_runs_no_statement",
    ),
    Sabotage(
        "the list of accounts that are logged in leaves out sessions that ran out",
        "auth/stores/logged_in.py",
        "            _SESSIONS.idle_end > now,\n",
        "",
        "test_logged_in.py::test_who_lists_accounts_with_a_live_session",
    ),
]
