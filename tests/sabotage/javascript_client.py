"""Rules of the JavaScript client and of the guides of frontends."""

from tests.sabotage import Sabotage

CLIENT = "sdk/js/index.js"
RULES = "test_javascript_client.py::test_client_keeps_its_rules_without_a_network"
JAVASCRIPT_CLIENT = [
    Sabotage(
        "the client sends an access token to known origins only",
        CLIENT,
        "if (!trusted.has(new URL(request.url).origin)) throw",
        "if (request.url === null) throw",
        RULES,
    ),
    Sabotage(
        "callers of the client share one refresh",
        CLIENT,
        "renewing ??= renew()",
        "renewing = renew()",
        RULES,
    ),
    Sabotage(
        "the client refreshes nothing for a token that was renewed meanwhile",
        CLIENT,
        "if (access === null || access === first) await refresh();",
        "await refresh();",
        RULES,
    ),
    Sabotage(
        "the client stores a refresh token as soon as it has it",
        CLIENT,
        "    if (next) await kept.set(REFRESH_TOKEN, next);\n",
        "",
        RULES,
    ),
    Sabotage(
        "errors of the client show no challenge token",
        CLIENT,
        "        delete found.data.challenge_token; // errors are logged\n",
        "",
        RULES,
    ),
    Sabotage(
        "a failed logout of the client forgets nothing",
        CLIENT,
        'unwrapped(await attempt("POST", "/auth/logout"',
        'void (await attempt("POST", "/auth/logout"',
        RULES,
    ),
    Sabotage(
        "the client goes on for no other account",
        CLIENT,
        "    if (owner !== null && sub !== owner) return false;\n",
        "",
        "test_screen_two_accounts.py::test_form_of_one_account_is_not_submitted_for_another",
    ),
    Sabotage(
        "two tabs of the client refresh once",
        CLIENT,
        "const isDone = waited && byCookie &&",
        "const isDone = false && byCookie &&",
        "test_screen_tabs.py::test_two_tabs_refresh_once",
    ),
    Sabotage(
        "the proxies of the guides pass every page of the service on",
        "docs/guides/react.md",
        '"account|disown|',
        '"account|',
        "test_frontend_guides.py::test_proxy_passes_every_page_and_call_of_the_service_on",
    ),
]
