"""Rules of the login by the confirmation of a sign-up."""

from tests.sabotage import Sabotage

CONFIRMATION, TOKENS = "auth/login/confirmation.py", "auth/tokens.py"
LOGIN, ATTACKS = "test_confirmation_login.py", "test_confirmation_login_attacks.py"
STATES = f"{ATTACKS}::test_cookie_is_refused_if_the_account_has_changed"

SIGN_UPS = [
    Sabotage(
        "registration gives no session and sets no cookie unless asked",
        "auth/accounts/routes.py",
        "    if by_cookie:\n        cookies.set_sign_up_cookie(",
        "    if form:\n        cookies.set_sign_up_cookie(",
        f"{LOGIN}::test_registration_without_cookie_delivery_sets_no_cookie",
    ),
    Sabotage(
        "other sites cannot use the cookie of a sign-up",
        "auth/login/routes.py",
        'Delivery.choose(by_cookie=form.token_delivery == "cookie")\n    sign_up = ',
        'Delivery(form.token_delivery == "cookie")\n    sign_up = ',
        f"{LOGIN}::test_other_sites_can_neither_sign_up_nor_confirm_by_cookie",
    ),
    Sabotage(
        "other sites cannot sign up by cookie",
        "auth/accounts/routes.py",
        "    if by_cookie:\n        refuse_cross_site()\n",
        "",
        f"{LOGIN}::test_other_sites_can_neither_sign_up_nor_confirm_by_cookie",
    ),
    Sabotage(
        "the cookie of a sign-up has a MAC",
        TOKENS,
        "    if not _SIGN_UP.is_genuine(services, sent_mac, *signed_parts):\n        return None\n",
        "",
        f"{ATTACKS}::test_cookie_with_a_changed_part_is_refused",
    ),
    Sabotage(
        "the cookie of a sign-up is of one account",
        TOKENS,
        '    return head, account_id.to_bytes(8, "big"), password_hash.encode(), after\n',
        "    return head, after\n",
        f"{ATTACKS}::test_cookie_and_link_of_two_accounts_are_refused",
    ),
    Sabotage(
        "the cookie of a sign-up is void after a change of the password",
        TOKENS,
        '    return head, account_id.to_bytes(8, "big"), password_hash.encode(), after\n',
        '    return head, account_id.to_bytes(8, "big"), after\n',
        f"{ATTACKS}::test_cookie_is_refused_after_a_change_of_the_password",
    ),
    Sabotage(
        "the cookie of a sign-up ends after an hour",
        TOKENS,
        "    return next_address.decode() if abs(age) < _milliseconds_of(SIGN_UP_LIFETIME) else None\n",
        "    return next_address.decode()\n",
        f"{ATTACKS}::test_cookie_ends_after_an_hour",
    ),
    Sabotage(
        "the cookie of a sign-up does not open a confirmed account",
        CONFIRMATION,
        "    if account.email_verified_at or account.two_factor_at or",
        "    if account.two_factor_at or",
        f"{ATTACKS}::test_used_cookie_opens_nothing_again",
    ),
    Sabotage(
        "the cookie of a sign-up does not replace a second factor",
        CONFIRMATION,
        "    if account.email_verified_at or account.two_factor_at or",
        "    if account.email_verified_at or",
        STATES,
    ),
    Sabotage(
        "the cookie of a sign-up does not open a locked account",
        CONFIRMATION,
        "account.two_factor_at or refusal(account, Use.LOG_IN):",
        "account.two_factor_at:",
        STATES,
    ),
    Sabotage(
        "the link of an address change never logs in",
        CONFIRMATION,
        "    if is_sign_up and wanted and not proof.by_session:\n",
        "    if wanted and not proof.by_session:\n",
        f"{LOGIN}::test_link_of_an_address_change_never_logs_in",
    ),
    Sabotage(
        "the cookie of a sign-up is cleared when it does not fit the link",
        CONFIRMATION,
        "        if next_address is None:\n            drop_sign_up()\n",
        "",
        f"{ATTACKS}::test_cookie_and_link_of_two_accounts_are_refused",
    ),
    Sabotage(
        "the cookie of a sign-up stays until its use is committed",
        CONFIRMATION,
        "    confirmation.apply(services, link, account, client)\n",
        "    drop_sign_up()\n    confirmation.apply(services, link, account, client)\n",
        f"{LOGIN}::test_cookie_stays_until_its_use_is_committed",
    ),
    Sabotage(
        "a second factor at the confirmation keeps where to go on",
        "auth/login/routes.py",
        "_ask_for_factor(delivery, done.login, done.next_address)",
        "_ask_for_factor(delivery, done.login)",
        f"{ATTACKS}::test_second_factor_is_asked_after_link_and_password",
    ),
    Sabotage(
        "a long request of an app goes on after a sign-up",
        "pages/static/screens/signup.js",
        "  return address.startsWith(`${REQUEST}?`) ? REQUEST : undefined;\n",
        "  return undefined;\n",
        "test_screen_authorize_flows.py"
        "::test_request_of_any_length_goes_on_after_a_sign_up_that_is_confirmed_in_another_tab",
    ),
    Sabotage(
        "a session started at the confirmation is not remembered",
        CONFIRMATION,
        "            auth_time=account.created_at,\n            remember=False,\n",
        "            auth_time=account.created_at,\n            remember=True,\n",
        f"{LOGIN}::test_browser_that_signed_up_confirms_and_is_logged_in_without_the_password",
    ),
    Sabotage(
        "a session started at the confirmation with the password is not remembered",
        CONFIRMATION,
        "        proof.source,\n        client,\n        remember=False,\n",
        "        proof.source,\n        client,\n        remember=True,\n",
        f"{LOGIN}::test_other_browser_gives_the_password_and_is_logged_in",
    ),
    Sabotage(
        "REQUIRE_SECOND_FACTOR holds at the confirmation",
        "auth/sessions/admission.py",
        "    is_restricted = tokens.needs_enrollment(services, account)\n    if is_restricted:",
        "    is_restricted = tokens.needs_enrollment(services, account) and auth_time != account.created_at\n"
        "    if is_restricted:",
        f"{ATTACKS}::test_required_second_factor_holds_after_a_login_by_confirmation",
    ),
    Sabotage(
        "a login by confirmation is as old as the registration",
        CONFIRMATION,
        "            auth_time=account.created_at,\n",
        "",
        f"{LOGIN}::test_browser_that_signed_up_confirms_and_is_logged_in_without_the_password",
    ),
    Sabotage(
        "a login by confirmation is never fresh",
        "auth/sessions/step_up.py",
        "    if earlier_logins.is_earlier(services.reads, current):\n        raise ReauthRequired\n",
        "",
        f"{LOGIN}::test_login_by_confirmation_is_never_fresh",
    ),
    Sabotage(
        "a login by confirmation is never fresh on a machine whose clock is behind",
        "auth/stores/earlier_logins.py",
        "_SESSIONS.auth_time != _SESSIONS.created_at",
        "_SESSIONS.auth_time < _SESSIONS.created_at",
        f"{LOGIN}::test_login_by_confirmation_is_never_fresh",
    ),
    Sabotage(
        "no mail about a new device follows a sign-up",
        CONFIRMATION,
        "            announce=False,\n",
        "",
        f"{LOGIN}::test_device_of_the_confirmation_becomes_known_without_a_mail",
    ),
    Sabotage(
        "a confirmation with the password asks for a second factor",
        "auth/login/password.py",
        "    if not is_complete:\n        return pending.issue(",
        "    if is_complete is None:\n        return pending.issue(",
        f"{ATTACKS}::test_second_factor_is_asked_after_link_and_password",
    ),
    Sabotage(
        "the confirmation of a sign-up leads to return addresses only",
        CONFIRMATION,
        'wanted_next if may_lead_there else ""',
        "wanted_next",
        f"{LOGIN}::test_confirmation_returns_next_only_if_it_is_a_return_address",
    ),
    Sabotage(
        "the confirmation of a sign-up sets the verify cookie",
        "auth/login/routes.py",
        "issued.keep_until, issued.verify_token, done",
        "issued.keep_until, issued.verify_token if issued.keep_until else None, done",
        "test_verify_cookie.py::test_confirmation_of_a_sign_up_sets_the_cookie",
    ),
    Sabotage(
        "the cookie of a sign-up is set alike for a taken address",
        "auth/accounts/routes.py",
        "    if by_cookie:\n        cookies.set_sign_up_cookie(",
        "    if by_cookie and done.account:\n        cookies.set_sign_up_cookie(",
        f"{LOGIN}::test_cookie_is_set_alike_for_a_taken_address",
    ),
]
