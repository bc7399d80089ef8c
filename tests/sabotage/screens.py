"""Screen rules: what a person, a screen reader and a password manager find."""

from tests.sabotage import Sabotage

FORM, MACROS = "pages/static/lib/form.js", "pages/templates/macros.html"
API, PAGE = "pages/static/lib/api.js", "pages/static/lib/page.js"
LOGIN, STYLE = "pages/static/screens/login.js", "pages/static/lib/style.css"
SCREENS = [
    Sabotage(
        "a form that is sent twice makes one call",
        FORM,
        '    if (this.button.getAttribute("aria-busy") === "true") return;\n',
        "",
        "test_screen_forms.py::test_52_a_form_that_is_sent_twice_makes_one_call",
    ),
    Sabotage(
        "a slow answer is told after half a second",
        FORM,
        "const SLOW = 500;",
        "const SLOW = 500_000;",
        "test_screen_keyboard.py::test_50_a_slow_answer_is_told_to_everybody",
    ),
    Sabotage(
        "the form checks its fields, and not the browser",
        FORM,
        "    form.noValidate = true;\n",
        "",
        "test_screen_keyboard.py::test_42_an_empty_log_in_leads_to_the_first_fault_and_sends_nothing",
    ),
    Sabotage(
        "the first field in error gets the focus",
        FORM,
        "    retitle({ error: true });\n    first.focus();\n",
        "    retitle({ error: true });\n",
        "test_screen_keyboard.py::test_42_an_empty_log_in_leads_to_the_first_fault_and_sends_nothing",
    ),
    Sabotage(
        "a field is described by its error",
        MACROS,
        '-hint {% endif %}{{ id }}-error">',
        '-hint {% endif %}">',
        "test_screen_keyboard.py::test_42_an_empty_log_in_leads_to_the_first_fault_and_sends_nothing",
    ),
    Sabotage(
        "password managers know the field of the address",
        MACROS,
        ' autocomplete="{{ autocomplete }}" inputmode="email"',
        ' inputmode="email"',
        "test_screen_structure.py::test_28_the_form_to_log_in",
    ),
    Sabotage(
        "password managers know a new password",
        MACROS,
        "{{ 'new-password' if new else 'current-password' }}",
        "current-password",
        "test_screen_structure.py::test_29_the_form_to_sign_up",
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
        "test_screen_structure.py::test_28_the_form_to_log_in",
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
        "test_screen_keyboard.py::test_48_the_toggle_shows_and_hides_and_says_so",
    ),
    Sabotage(
        "a refused password leaves its field",
        LOGIN,
        '    form.fail("login.refused");\n    password.value = "";\n',
        '    form.fail("login.refused");\n',
        "test_screen_keyboard.py::test_53_a_refused_log_in_says_so_and_waits_for_another_password",
    ),
    Sabotage(
        "a page that comes back from the cache has no password",
        LOGIN,
        '  if (event.persisted) node.elements.password.value = "";\n',
        "",
        "test_screen_forms.py::test_a_log_in_that_comes_back_from_the_cache_has_no_password",
    ),
    Sabotage(
        "an account page that comes back from the cache loads again",
        "pages/static/screens/account.js",
        'addEventListener("pageshow", (event) => event.persisted && location.reload());\n',
        "",
        "test_screen_account.py::test_an_account_page_from_the_cache_loads_again",
    ),
    Sabotage(
        "a login leads nowhere off the site",
        PAGE,
        r'!raw.startsWith("/") || /^\/[/\\]/.test(raw) || /[\u0000-\u0020\u007f\\]/.test(raw)',
        '!raw.startsWith("/")',
        "test_screen_tabs.py::test_the_browser_and_the_server_agree_on_where_a_log_in_may_lead",
    ),
    Sabotage(
        "pages run no inline script",
        "pages/safety.py",
        "script-src 'self';",
        "script-src 'self' 'unsafe-inline';",
        "test_pages.py::test_the_policy_of_pages_allows_files_of_this_origin_only",
    ),
    Sabotage(
        "the token of a link leaves the address bar",
        PAGE,
        'history.replaceState({ token }, "", location.pathname + location.search);',
        'history.replaceState({ token }, "");',
        "test_screen_flows.py::test_76_the_token_of_a_link_is_in_no_address",
    ),
    Sabotage(
        "no storage holds an access token",
        API,
        "  owner = subject;\n  accessToken = token;\n",
        '  owner = subject;\n  accessToken = token;\n  sessionStorage.setItem("auth.token", token);\n',
        "test_screen_security.py::test_86_no_script_can_come_by_a_token",
    ),
    Sabotage(
        "nothing moves under reduced motion",
        STYLE,
        "{ transition: none !important; animation: none !important; }",
        "{ transition: none !important; }",
        "test_screen_preferences.py::test_99_nothing_moves_for_those_who_wish_so",
    ),
    Sabotage(
        "fields and buttons have a border in forced colors",
        STYLE,
        "  .input, .btn, .check input, .card, .message { border: 1px solid; }\n",
        "",
        "test_screen_preferences.py::test_forced_colours_keep_what_can_be_operated_in_sight",
    ),
]
