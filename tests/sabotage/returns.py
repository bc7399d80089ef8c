"""Rules of return addresses, and of the cookie for sites behind a proxy."""

from tests.sabotage import Sabotage

ADDRESSES, SITES = "utils/web/return_addresses.py", "auth/sessions/guarded_sites.py"
SETTINGS, COOKIES, TOKENS = "config_returns.py", "auth/cookies.py", "auth/tokens.py"
HOSTILE = "test_return_addresses.py::test_address_that_is_not_exactly_on_a_return_origin_is_refused"

RETURNS = [
    Sabotage(
        "calls from another origin than PUBLIC_URL are logged once",
        "utils/services.py",
        "    seen.add(name)\n",
        "",
        "test_origin_in_use.py::test_call_from_another_origin_than_public_url_is_logged_once_without_the_origin",
    ),
    Sabotage(
        "a return address goes on with its path, query or fragment",
        ADDRESSES,
        'address.startswith((f"{each}/", f"{each}?", f"{each}#"))',
        "address.startswith(each)",
        HOSTILE,
    ),
    Sabotage(
        "a return address has no character that browsers change",
        ADDRESSES,
        " or has_unsafe_characters(address):\n        return False\n    return any",
        ":\n        return False\n    return any",
        HOSTILE,
    ),
    Sabotage(
        "a return address is compared as it is spelt",
        ADDRESSES,
        "    if len(address) > MAX_LENGTH",
        "    address = address.lower()\n    if len(address) > MAX_LENGTH",
        HOSTILE,
    ),
    Sabotage(
        "next is taken as it came",
        "pages/safety.py",
        "    return given if given is not None",
        '    return f"{given}#" if given is not None',
        "test_return_addresses.py::test_address_on_a_return_origin_is_taken_as_it_came",
    ),
    Sabotage(
        "return origins are exact",
        SETTINGS,
        "origin(text) == text and bool",
        "bool",
        "test_return_settings.py::test_text_that_is_no_exact_origin_is_refused_and_not_echoed",
    ),
    Sabotage(
        "a return origin has TLS",
        SETTINGS,
        "(is_local and not production)",
        "is_local",
        "test_return_settings.py::test_plain_http_may_name_this_machine_in_development_only",
    ),
    Sabotage(
        "the service is no return origin",
        SETTINGS,
        "if public_url in origins:",
        "if public_url in origins[:0]:",
        "test_return_settings.py::test_service_is_no_application_of_its_own",
    ),
    Sabotage(
        "no application shares the host of the service",
        SETTINGS,
        "    elif production and _host(public_url) in map(_host, origins):",
        "    elif production and public_url in origins:",
        "test_return_settings.py::test_application_on_another_port_of_the_service_stops_production_only",
    ),
    Sabotage(
        "the verify cookie reaches the service",
        SETTINGS,
        "if not _is_below(public_url, domain):",
        "if not public_url:",
        "test_return_settings.py::test_verify_cookie_is_a_parent_domain_of_the_service_and_of_every_return_origin",
    ),
    Sabotage(
        "browsers keep the verify cookie",
        SETTINGS,
        "    elif not _is_secure(public_url, production=False):",
        "    elif False:",
        "test_return_settings.py::test_verify_cookie_needs_https_unless_the_service_is_below_localhost",
    ),
    Sabotage(
        "the verify cookie reaches every return origin",
        SETTINGS,
        "if outside := [each for each in origins if not _is_below(each, domain)]:",
        "if outside := [each for each in origins if not each]:",
        "test_return_settings.py::test_verify_cookie_is_a_parent_domain_of_the_service_and_of_every_return_origin",
    ),
    Sabotage(
        "the domain of the verify cookie has a dot",
        SETTINGS,
        'rf"{_LABEL}(\\.{_LABEL})+"',
        'rf"{_LABEL}(\\.{_LABEL})*"',
        "test_return_settings.py::test_verify_cookie_is_a_domain_with_a_dot",
    ),
    Sabotage(
        "the verify cookie is off by default",
        SITES,
        "if services.settings.verify_cookie is None or cookie is None or not",
        "if cookie is None or not",
        "test_verify_cookie.py::test_without_the_setting_the_cookie_is_neither_set_nor_accepted",
    ),
    Sabotage(
        "the verify cookie expires",
        TOKENS,
        "    if services.clock.now().timestamp() >= end:\n        return None\n    return Claims",
        "    return Claims",
        "test_verify_cookie.py::test_cookie_expires_after_ten_minutes",
    ),
    Sabotage(
        "the MAC of the verify cookie is checked",
        TOKENS,
        "if parts is None or not _VERIFY.is_genuine(services, parts[1], parts[0]):",
        "if parts is None:",
        "test_verify_cookie.py::test_changed_cookie_is_refused",
    ),
    Sabotage(
        "the verify cookie has a key of its own",
        TOKENS,
        'Signer("verify-cookie", b"verify", _VERIFY_HEAD.size)',
        'Signer("passkey-challenge", b"passkey-login", _VERIFY_HEAD.size)',
        "test_verify_cookie.py::test_cookie_has_a_key_of_its_own",
    ),
    Sabotage(
        "the verify cookie opens nothing but GET /auth/verify",
        "utils/auth_helpers.py",
        'by_cookie() if by_cookie and "Authorization" not in request.headers else None',
        'by_cookie() if by_cookie and "Authorization" not in request.headers else __import__(\n'
        '            "auth.tokens", fromlist=["tokens"]\n'
        '        ).read_verify(services(), request.cookies.get("__Secure-verify", ""))',
        "test_verify_cookie.py::test_cookie_opens_nothing_but_verify",
    ),
    Sabotage(
        "a session that has ended ends its verify cookie",
        "utils/auth_helpers.py",
        "    return services().admit(services(), claims, reading) if claims else None",
        "    if isinstance(offered, Claims):\n"
        "        return Principal(offered.user_id, offered.session_id, None, None)\n"
        "    return services().admit(services(), claims, reading) if claims else None",
        "test_verify_cookie.py::test_logout_counts_at_once_and_clears_the_cookie",
    ),
    Sabotage(
        "an Authorization header counts alone",
        "utils/auth_helpers.py",
        'by_cookie() if by_cookie and "Authorization" not in request.headers else None',
        "by_cookie() if by_cookie else None",
        "test_verify_cookie.py::test_cookie_does_not_count_beside_an_authorization_header",
    ),
    Sabotage(
        "a request that changes something needs the origin of its URL",
        SITES,
        "    return held.origin == origin_of(held.url)",
        "    return True",
        "test_guarded_sites.py::test_request_that_may_change_something_needs_the_origin_of_its_url",
    ),
    Sabotage(
        "a missing origin is refused",
        SITES,
        "    if held.origin is None or held.url is None:\n        return False\n    return held.origin ==",
        "    if held.url is None:\n        return False\n    return held.origin in {None} or held.origin ==",
        "test_guarded_sites.py::test_request_that_may_change_something_needs_the_origin_of_its_url",
    ),
    Sabotage(
        "a request of an unknown method is refused",
        SITES,
        "    if held.method is None:\n        return False",
        "    if held.method is None:\n        return True",
        "test_guarded_sites.py::test_request_of_an_unknown_method_is_refused",
    ),
    Sabotage(
        "a refusal leads back to return origins only",
        SITES,
        "    if not is_on(held.url, settings.return_origins):\n        return None\n",
        "",
        "test_guarded_sites.py::test_url_that_is_not_on_a_return_origin_has_no_login_page",
    ),
    Sabotage(
        "logout clears the verify cookie",
        COOKIES,
        "        delete_cookie(VERIFY_COOKIE, domain=domain)\n",
        "        pass\n",
        "test_verify_cookie.py::test_logout_counts_at_once_and_clears_the_cookie",
    ),
    Sabotage(
        "the verify cookie is set with the refresh cookie",
        COOKIES,
        "    if verify_token:\n",
        "    if verify_token and keep_until:\n",
        "test_verify_cookie.py::test_second_step_and_passkey_set_the_cookie",
    ),
    Sabotage(
        "the verify cookie is for the domain",
        COOKIES,
        "VERIFY_SECONDS, domain=services().settings.verify_cookie)",
        "VERIFY_SECONDS)",
        "test_verify_cookie.py::test_login_sets_a_cookie_with_exactly_these_attributes",
    ),
    Sabotage(
        "nothing is logged out by GET",
        "pages/routes.py",
        "    page = (FORMS | PLAIN)[path]\n",
        "    page = (FORMS | PLAIN)[path]\n"
        '    if path == "/logout":\n'
        '        __import__("flask").current_app.view_functions["pages.logout"]()\n',
        "test_return_pages.py::test_get_of_the_logout_page_ends_nothing",
    ),
    Sabotage(
        "a loop of redirects ends with a page",
        "pages/static/screens/login.js",
        "if (isAsked && comesBack(next)) {",
        "if (false) {",
        "test_screen_guarded_site.py::test_site_that_sends_the_browser_back_three_times_leads_to_a_page",
    ),
    Sabotage(
        "the application does not get the verify cookie",
        "deploy/nginx/guard/site.conf",
        "proxy_set_header Cookie $application_cookies;",
        "proxy_set_header Cookie $http_cookie;",
        "test_screen_guarded_site.py::test_proxy_keeps_the_cookie_from_the_application",
    ),
    Sabotage(
        "the log repeats no part of a return address that is not used",
        "pages/routes.py",
        "why = refusal(given, settings.return_origins)",
        "why = given",
        "test_return_pages.py::test_log_says_why_a_return_address_is_not_used_and_repeats_no_part_of_it",
    ),
]
