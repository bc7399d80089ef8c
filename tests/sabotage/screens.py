"""Screen rules: for users, screen readers and password managers."""

from tests.sabotage import Sabotage

FORM, MACROS = "pages/static/lib/form.js", "pages/templates/macros.html"
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
        "password managers know the field of the address",
        MACROS,
        ' autocomplete="{{ autocomplete }}" inputmode="email"',
        ' inputmode="email"',
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
]
