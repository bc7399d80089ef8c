"""Rules of API tokens."""

from tests.sabotage import Sabotage

API_TOKENS = [
    Sabotage(
        "an API token has a permission as long as its owner has it",
        "auth/api_tokens/allowance.py",
        "for each in frozenset(own) & frozenset(held)",
        "for each in frozenset(own)",
        "test_past_vulnerabilities_of_api_tokens.py::test_ghsa_q658_hfpg_35qc_token_of_a_demoted_owner",
    ),
    Sabotage(
        "an API token has no permission but its own",
        "auth/api_tokens/allowance.py",
        "for each in frozenset(own) & frozenset(held)",
        "for each in frozenset(held)",
        "test_past_vulnerabilities_of_api_tokens.py::test_cudly_1301_and_decocms_4180_narrow_token_of_an_administrator",
    ),
    Sabotage(
        "an API token opens no view that asks for no permission",
        "utils/auth_helpers.py",
        "    if is_api_token and permissions is None:\n        raise SessionRequired\n",
        "",
        "test_api_token_admission.py::test_token_is_refused_where_no_permission_is_asked_for",
    ),
    Sabotage(
        "the use of an API token is written every ten minutes at most",
        "auth/api_tokens/admission.py",
        "note_use=None if is_noted else",
        "note_use=None if is_noted and not found else",
        "test_api_token_admission.py::test_use_is_written_at_most_once_in_ten_minutes",
    ),
    Sabotage(
        "of concurrent uses of an API token one is written",
        "auth/stores/api_tokens.py",
        "where(ApiToken.id == token_id, is_due)",
        "where(ApiToken.id == token_id)",
        "test_api_token_admission.py::test_concurrent_first_uses_are_answered_and_written_once",
    ),
    Sabotage(
        "an API token with a wrong checksum costs no statement",
        "utils/crypto/api_tokens.py",
        "if found and _checksum(found[1]) == found[2] else None",
        "if found else None",
        "test_api_token_admission.py::test_admission_is_one_statement_and_a_wrong_checksum_none",
    ),
    Sabotage(
        "an API token of a locked-out owner is refused",
        "auth/stores/api_tokens.py",
        "    *clause(Use.CALL_WITH_API_TOKEN, table=_USER_TABLE),\n",
        "",
        "test_past_vulnerabilities_of_api_tokens.py::test_marmot_252_and_directus_2070_token_of_a_disabled_owner",
    ),
    Sabotage(
        "a permission of the service counts in an API token that was made by a factor",
        "auth/api_tokens/admission.py",
        "by_factor = found.by_factor and account.two_factor_at is not None",
        "by_factor = account.two_factor_at is not None",
        "test_api_token_admission.py::test_permission_of_the_service_needs_a_token_that_was_made_by_a_factor",
    ),
    Sabotage(
        "a permission of the service counts in an API token while its owner has a factor",
        "auth/api_tokens/admission.py",
        "by_factor = found.by_factor and account.two_factor_at is not None",
        "by_factor = found.by_factor",
        "test_api_token_admission.py"
        "::test_permission_of_the_service_counts_only_while_its_owner_has_a_factor",
    ),
    Sabotage(
        "an API token of an owner without a required factor is refused",
        "auth/api_tokens/admission.py",
        "        scope=access_tokens.ENROLLMENT if is_restricted else None,\n",
        "",
        "test_api_token_admission.py::test_owner_who_must_set_up_a_factor_first_is_refused",
    ),
    Sabotage(
        "only its owner revokes an API token over HTTP",
        "auth/stores/api_tokens.py",
        "ApiToken.id == token_id, ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None)",
        "ApiToken.id == token_id, ApiToken.revoked_at.is_(None)",
        "test_past_vulnerabilities_of_api_tokens.py::test_blnk_298_token_of_another_account",
    ),
    Sabotage(
        "an API token is made by a fresh factor",
        "auth/api_tokens/lifecycle.py",
        "    current, account = step_up.lock_for_credential_change(services, principal)\n",
        "    current = step_up.own_session(principal)\n"
        "    account = step_up.lock_for_change(services, principal)\n",
        "test_api_token_creation.py::test_creation_needs_a_fresh_factor_where_the_account_has_one",
    ),
    Sabotage(
        "an API token is made with permissions of its owner",
        "auth/api_tokens/lifecycle.py",
        "    if not set(permissions) <= set(held):\n        raise PermissionMissing\n",
        "",
        "test_past_vulnerabilities_of_api_tokens.py"
        "::test_ghsa_m2hx_wjxc_9fp4_and_ownpay_353_token_with_more_than_its_maker_has",
    ),
    Sabotage(
        "an account has a limited number of live API tokens",
        "auth/api_tokens/lifecycle.py",
        "    if len(live) >= MAX_LIVE:\n        raise TooManyApiTokens(MAX_LIVE)\n",
        "",
        "test_api_token_creation.py::test_live_tokens_of_an_account_are_limited_also_at_once",
    ),
    Sabotage(
        "a lock-out revokes the API tokens",
        "auth/revocation/revoke.py",
        "    api_tokens.revoke_all(tx, account.id, services.clock.now())\n",
        "",
        "test_api_token_revocation.py::test_what_ends_all_access_revokes_tokens",
    ),
    Sabotage(
        "a new API token is shown until it was copied, and no longer",
        "pages/static/screens/tokens.js",
        '    field.value = "";\n',
        "",
        "test_screen_tokens.py::test_227_token_is_in_the_page_between_creation_and_done_only",
    ),
    Sabotage(
        "a restored account has no API token of before",
        "auth/accounts/deletion.py",
        "    api_tokens.revoke_all(tx, account.id, services.clock.now())\n",
        "",
        "test_api_token_revocation.py::test_token_of_an_account_that_was_closed_and_restored_stays_revoked",
    ),
    Sabotage(
        "a name shows all of its characters",
        "auth/fields.py",
        "    if _UNSEEN.search(shown):",
        "    if _UNSEEN.match(shown):",
        "test_api_token_creation.py::test_name_with_a_character_that_is_not_seen_is_refused",
    ),
]
