"""Screen rules: for users, screen readers and password managers."""

from tests.sabotage import Sabotage

FORM, MACROS = "pages/static/lib/form.js", "pages/templates/macros.html"
CLIENT, PAGE = "sdk/js/index.js", "pages/static/lib/page.js"
LOGIN, STYLE = "pages/static/screens/login.js", "pages/static/styles/forms.css"
SCREENS = [
    Sabotage(
        "a form that is sent twice makes one call",
        FORM,
        '    if (this.button.getAttribute("aria-busy") === "true") return;\n',
        "",
        "test_screen_forms.py::test_52_form_submitted_twice_sends_one_request",
    ),
    Sabotage(
        "a slow answer is told after half a second",
        FORM,
        "const SLOW = 500;",
        "const SLOW = 500_000;",
        "test_screen_keyboard.py::test_50_slow_response_is_shown_and_announced",
    ),
    Sabotage(
        "the form checks its fields, and not the browser",
        FORM,
        "    form.noValidate = true;\n",
        "",
        "test_screen_keyboard.py::test_42_empty_login_focuses_the_first_error_and_sends_nothing",
    ),
    Sabotage(
        "the first field in error gets the focus",
        FORM,
        "    retitle({ error: true });\n    first.focus();\n",
        "    retitle({ error: true });\n",
        "test_screen_keyboard.py::test_42_empty_login_focuses_the_first_error_and_sends_nothing",
    ),
    Sabotage(
        "a field is described by its error",
        MACROS,
        '{% endif %} aria-describedby="{% if hint %}{{ id }}-hint {% endif %}{{ id }}-error">',
        '{% endif %} aria-describedby="{% if hint %}{{ id }}-hint {% endif %}">',
        "test_screen_keyboard.py::test_42_empty_login_focuses_the_first_error_and_sends_nothing",
    ),
    Sabotage(
        "password managers know the field of the address",
        MACROS,
        ' autocomplete="{{ autocomplete }}" inputmode="email"',
        ' inputmode="email"',
        "test_screen_structure.py::test_28_attributes_of_the_login_form",
    ),
    Sabotage(
        "password managers know a new password",
        MACROS,
        "{{ 'new-password' if new else 'current-password' }}",
        "current-password",
        "test_screen_structure.py::test_29_attributes_of_the_sign_up_form",
    ),
    Sabotage(
        "the field of a code takes one-time codes",
        MACROS,
        ' autocomplete="one-time-code"',
        ' autocomplete="off"',
        "test_screen_factors.py::test_36_the_code_field_is_one_input",
    ),
    Sabotage(
        "the field of the address offers passkeys",
        "pages/templates/login.html",
        'autocomplete="username webauthn"',
        'autocomplete="username"',
        "test_screen_structure.py::test_28_attributes_of_the_login_form",
    ),
    Sabotage(
        "a refusal of the form is announced",
        MACROS,
        '<div role="alert" aria-atomic="true" id="{{ id }}">',
        '<div aria-atomic="true" id="{{ id }}">',
        "test_screen_structure.py::test_33_the_live_regions_are_served_empty",
    ),
    Sabotage(
        "the toggle of a password says its state",
        "pages/static/lib/password.js",
        '      button.setAttribute("aria-pressed", String(visible));\n',
        "",
        "test_screen_keyboard.py::test_48_toggle_shows_and_hides_the_password_and_announces_it",
    ),
    Sabotage(
        "a refused password leaves its field",
        LOGIN,
        '    form.fail("login.refused");\n    password.value = "";\n',
        '    form.fail("login.refused");\n',
        "test_screen_keyboard.py::test_53_refused_login_is_announced_and_focuses_the_password",
    ),
    Sabotage(
        "a page that comes back from the cache has no password",
        LOGIN,
        '  if (event.persisted) node.elements.password.value = "";\n',
        "",
        "test_screen_forms.py::test_login_page_restored_from_cache_has_no_password",
    ),
    Sabotage(
        "an account page that comes back from the cache loads again",
        "pages/static/screens/account.js",
        'addEventListener("pageshow", (event) => event.persisted && location.reload());\n',
        "",
        "test_screen_account.py::test_account_page_restored_from_the_cache_reloads",
    ),
    Sabotage(
        "a login leads nowhere off the site",
        "utils/web/return_addresses.py",
        'path[0] != "/" or path[1:2] in',
        "path[1:2] in",
        "test_pages.py::test_68_hostile_next_is_replaced_by_the_account",
    ),
    Sabotage(
        "pages run no inline script",
        "pages/safety.py",
        "script-src 'self';",
        "script-src 'self' 'unsafe-inline';",
        "test_pages.py::test_page_policy_allows_files_of_this_origin_only",
    ),
    Sabotage(
        "the token of a link leaves the address bar",
        PAGE,
        'history.replaceState({ token }, "", location.pathname + location.search);',
        'history.replaceState({ token }, "");',
        "test_screen_flows.py::test_76_link_token_is_in_no_request_url",
    ),
    Sabotage(
        "no storage holds an access token",
        CLIENT,
        "[access, owner, session] = [token, sub, sid];",
        '[access, owner, session] = [token, sub, sid];\n    sessionStorage.setItem("auth.token", token);',
        "test_screen_security.py::test_86_scripts_cannot_read_a_token",
    ),
    Sabotage(
        "nothing moves under reduced motion",
        STYLE,
        "{ transition: none !important; animation: none !important; }",
        "{ transition: none !important; }",
        "test_screen_preferences.py::test_99_prefers_reduced_motion_stops_animations",
    ),
    Sabotage(
        "fields and buttons have a border in forced colors",
        STYLE,
        "  .input, .btn, .check input, .card, .message { border: 1px solid; }\n",
        "",
        "test_screen_preferences.py::test_forced_colours_keep_borders_of_controls",
    ),
]
