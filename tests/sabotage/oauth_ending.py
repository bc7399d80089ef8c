"""The provider: what ends with a session, who is told, and where the service connects to."""

from tests.sabotage import Sabotage

OAUTH_ENDING = [
    Sabotage(
        "grants end with their session",
        "oauth/listener.py",
        "        endings.end_bound(tx, session_ids, now)\n",
        "",
        "test_grants_end_with_sessions.py"
        "::test_logout_ends_bound_grants_and_writes_a_notice_for_each_client_that_wants_one",
    ),
    Sabotage(
        "a session that is ended outside of `ending` is found",
        "auth/login/complete.py",
        "        ending.end(services, tx, old.id, old.user_id, EndReason.REPLACED, now)\n",
        "        sessions.end(tx, old.id, old.user_id, EndReason.REPLACED, now)\n",
        "test_architecture.py::test_architecture_rule_holds",
    ),
    Sabotage(
        "offline grants end when the account is revoked",
        "auth/sessions/ending.py",
        "    services.listener.account_revoked(services, tx, user_id, now)\n",
        "",
        "test_grants_end_with_sessions.py"
        "::test_revocation_of_an_account_ends_offline_grants_and_tells_their_clients",
    ),
    Sabotage(
        "the removal of a password ends offline grants and voids codes",
        "auth/passwords/change.py",
        "PASSWORD_REMOVED, now)\n    services.listener.offline_revoked(services, tx, account.id, now)\n",
        "PASSWORD_REMOVED, now)\n",
        "test_grants_end_with_sessions.py::test_removal_of_the_password_ends_offline_grants_and_voids_codes",
    ),
    Sabotage(
        "a password change ends offline grants",
        "auth/passwords/change.py",
        "    if end_apps:\n",
        "    if not end_apps:\n",
        "test_grants_end_with_sessions.py::test_password_change_ends_offline_grants_unless_end_apps_is_false",
    ),
    Sabotage(
        "the feed repeats the minute in which an ending was committed late",
        "oauth/feed/ended.py",
        "(REPEATED if is_complete else LATE)",
        "REPEATED",
        "test_revocation_feed.py::test_ending_that_is_held_open_over_two_polls_is_told_by_the_next_one",
    ),
    Sabotage(
        "the last page of the feed has the time of the first one",
        "oauth/feed/ended.py",
        "        place, (since, last) = after, after.page\n",
        "        place, (since, last) = Place(now, _settled(tx, client_id, now)), after.page\n",
        "test_pages_of_the_feed.py"
        "::test_ending_that_is_committed_behind_the_page_that_is_read_is_told_by_the_next_reading",
    ),
    Sabotage(
        "the feed names a grant while any token of it may live",
        "oauth/feed/ended.py",
        "LIVES = timedelta(seconds=MAX_ACCESS_TOKEN_LIFETIME)\n",
        "LIVES = timedelta(seconds=600)\n",
        "test_revocation_feed.py::test_feed_names_a_grant_for_the_longest_lifetime_that_the_setting_allows",
    ),
    Sabotage(
        "a mass ending commits each batch",
        "oauth/ending/mass_ending.py",
        "        tx.commit()\n        last = ids[-1]\n",
        "        last = ids[-1]\n",
        "test_mass_endings.py::test_mass_ending_that_takes_minutes_is_told_to_resources_completely",
    ),
    Sabotage(
        "the verifier reads every page of the feed",
        "sdk/python/auth_guard/feed.py",
        "            if not page.more:\n",
        "            if page:\n",
        "test_feed_of_the_verifier.py::test_pages_are_read_to_the_last_one",
    ),
    Sabotage(
        "the Node verifier takes deadlines from a clock that is never set back",
        "sdk/js/tokens.js",
        "const isTime = performance.now() - triedAt >= pollAfter;",
        "const isTime = Date.now() - triedAt >= pollAfter;",
        "test_express_verifier.py"
        "::test_node_verifier_reads_the_feed_in_time_when_the_clock_of_the_machine_is_set_back",
    ),
    Sabotage(
        "the feed is of the resource that asks",
        "oauth/stores/endings.py",
        ".where(OAuthResource.client_id == resource_client, follows,",
        ".where(follows,",
        "test_revocation_feed.py::test_feed_tells_a_resource_of_grants_for_itself_only",
    ),
    Sabotage(
        "the cursor of the feed counts the grants of the resource that asks",
        "oauth/stores/endings.py",
        "            OAuthResource.client_id == resource_client,\n",
        "",
        "test_revocation_feed.py::test_feed_tells_a_resource_of_grants_for_itself_only",
    ),
    Sabotage(
        "an IPv4 address inside of an IPv6 one is checked",
        "utils/web/public_addresses.py",
        "    if address.ipv4_mapped:\n",
        "    if address.ipv4_mapped is address:\n",
        "test_public_addresses.py::test_link_local_and_metadata_addresses_are_refused_even_if_their_network_is_named",
    ),
    Sabotage(
        "an IPv4 address that is translated to an IPv6 one is checked",
        "utils/web/public_addresses.py",
        "return is_translated or (address",
        "return (address",
        "test_public_addresses.py"
        "::test_link_local_and_metadata_addresses_are_refused_even_if_their_network_is_named",
    ),
    Sabotage(
        "only IPv6 addresses of the assigned space are public",
        "utils/web/public_addresses.py",
        "return is_assigned and address.is_global",
        "return address.is_global",
        "test_public_addresses.py::test_fault_42_address_that_is_not_public_is_refused",
    ),
    Sabotage(
        "metadata addresses are refused in named networks, too",
        "utils/web/public_addresses.py",
        "        if any(address in network for network in _NEVER):\n            return False\n",
        "",
        "test_public_addresses.py"
        "::test_link_local_and_metadata_addresses_are_refused_even_if_their_network_is_named",
    ),
    Sabotage(
        "the address that was checked is connected to",
        "utils/web/fetch.py",
        "        allowed = [address for address in found if self._reachable.allows(address[0])]\n",
        "        allowed = found\n",
        "test_past_vulnerabilities_of_fetching.py"
        "::test_fault_38_name_that_leads_inside_is_refused_before_any_connection",
    ),
    Sabotage(
        "the claim of a notice is committed before the call",
        "oauth/notices/delivery.py",
        "    tx.commit()  # no connection is held while the client answers\n",
        "",
        "test_notice_delivery.py::test_client_gets_one_notice_at_a_time",
    ),
    Sabotage(
        "a client that fails waits before its next turn",
        "oauth/notices/delivery.py",
        "    notices.end_turn(tx, turn.client_id, now + delay, failures=failures)\n",
        "    notices.end_turn(tx, turn.client_id, now, failures=failures)\n",
        "test_notice_delivery.py"
        "::test_client_that_does_not_answer_is_tried_after_1_2_4_seconds_and_given_up_after_ten_minutes",
    ),
    Sabotage(
        "clients that answer are told before those that failed",
        "oauth/stores/notices.py",
        ".order_by(has_failed, OAuthClient.notices_after",
        ".order_by(OAuthClient.notices_after",
        "test_order_of_notices.py::test_client_that_answers_is_told_before_all_that_failed",
    ),
    Sabotage(
        "clients that have answered are told before those that were never called",
        "oauth/stores/notices.py",
        ".notices_after.asc().nulls_last()",
        ".notices_after.asc().nulls_first()",
        "test_order_of_notices.py::test_client_that_has_answered_is_told_before_all_that_were_never_called",
    ),
    Sabotage(
        "a client whose notices were given up has still failed",
        "oauth/notices/delivery.py",
        "        failures = 1  #",
        "        failures = 0  #",
        "test_order_of_notices.py"
        "::test_client_whose_notices_were_given_up_still_comes_after_those_that_answer",
    ),
    Sabotage(
        "a busy network is no failure of the client",
        "oauth/notices/delivery.py",
        "        if isinstance(problem, FetchFailed) and problem.kind is Kind.BUSY:\n",
        "        if isinstance(problem, FetchFailed) and problem.kind is None:\n",
        "test_order_of_notices.py::test_network_that_is_busy_is_no_failure_of_the_client",
    ),
    Sabotage(
        "notices are deleted a day after they were written, sent or not",
        "oauth/stores/retention.py",
        "OAuthNotice.created_at < before",
        "OAuthNotice.sent_at < before",
        "test_upkeep.py::test_notice_that_is_never_sent_is_pruned_while_the_provider_is_off",
    ),
    Sabotage(
        "grants are locked by rising id",
        "oauth/stores/row_locks.py",
        "where(*where).order_by(OAuthGrant.id).with_for_update(",
        "where(*where).with_for_update(",
        "test_lock_order.py::test_grants_are_locked_by_rising_id",
    ),
    Sabotage(
        "the end of sessions locks clients before grants",
        "oauth/listener.py",
        "        if not row_locks.share_clients_of_sessions(tx, session_ids):\n            return\n",
        "",
        "test_lock_order.py::test_end_of_an_account_locks_its_clients_before_any_grant",
    ),
    Sabotage(
        "a logout without the hint of this session is asked about",
        "oauth/logout/decide.py",
        "    return asked.hint.sid == tokens.sid(here.session_id, asked.client.id)\n",
        "    return True\n",
        "test_logout_by_an_app.py::test_hint_of_another_session_of_the_person_asks_and_then_goes_back",
    ),
    Sabotage(
        "a hint is an ID token",
        "oauth/logout/request.py",
        'services.signer.read(services, text, "JWT", allow_expired=True)',
        'services.signer.read(services, text, "logout+jwt", allow_expired=True)',
        "test_logout_by_an_app.py::test_hint_that_is_not_of_this_client_and_session_ends_nothing",
    ),
    Sabotage(
        "a post-logout address is compared byte for byte",
        "oauth/logout/request.py",
        "wanted not in client.post_logout_uris",
        "wanted.rstrip('/?') not in client.post_logout_uris",
        "test_logout_by_an_app.py"
        "::test_fault_44_unregistered_post_logout_address_is_neither_followed_nor_shown",
    ),
    Sabotage(
        "a post-logout address is checked when it is used",
        "oauth/logout/request.py",
        "    if wanted not in client.post_logout_uris or not _is_allowed(client, wanted):\n",
        "    if wanted not in client.post_logout_uris:\n",
        "test_logout_by_an_app.py::test_registered_post_logout_address_against_the_rules_is_not_followed",
    ),
    Sabotage(
        "only apps that are not told of a logout are named",
        "oauth/stores/apps.py",
        "OAuthClient.backchannel_uri.is_(None), ",
        "",
        "test_logout_answers.py::test_apps_that_are_not_told_of_the_end_are_named",
    ),
    Sabotage(
        "the page of a logout request does not repeat it",
        "oauth/logout/routes.py",
        ', "logout", path=PATH)',
        ', "logout")',
        "test_logout_answers.py::test_page_does_not_repeat_the_request",
    ),
    Sabotage(
        "a verifier without the feed does not accept by signature alone",
        "sdk/python/auth_guard/tokens.py",
        "        if self._feed.age() > FEED_AWAY:\n",
        "        if self._feed.age() > FEED_AWAY * 1000:\n",
        "test_token_verifier.py"
        "::test_without_the_feed_for_thirty_seconds_every_call_is_refused_if_so_configured",
    ),
]
