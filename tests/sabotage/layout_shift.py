"""Sabotages of what keeps the parts of a page in their places."""

from tests.sabotage import Sabotage

BASE, SHELL = "pages/static/styles/base.css", "pages/static/styles/shell.css"
LAYOUT_SHIFT = [
    Sabotage(
        "the card of a mailed link is shown when its link is checked",
        "pages/templates/reset.html",
        "{% set waits = true %}\n",
        "",
        "test_screen_shift.py::test_pages_of_mailed_links_have_no_layout_shift",
    ),
    Sabotage(
        "a page that waits for the API is shown without it after two seconds, also with reduced motion",
        BASE,
        "visibility: hidden; animation: appear 0s 2s forwards !important; }",
        "visibility: hidden; animation: appear 0s 2s forwards; }",
        "test_screen_shift.py::test_form_of_a_link_is_shown_although_the_api_is_silent",
    ),
    Sabotage(
        "the profile is shown when it is known",
        "pages/templates/account/profile.html",
        ' id="facts" data-waits>',
        ' id="facts">',
        "test_screen_shift.py::test_account_pages_have_no_layout_shift",
    ),
    Sabotage(
        "the header of a tablet does not move when the address is known",
        SHELL,
        "  .who:has(.who__address:empty) { visibility: hidden;",
        "  .who:has(.who__address:empty) {",
        "test_screen_shift.py::test_account_pages_have_no_layout_shift",
    ),
    Sabotage(
        "the footer of a phone has two rows",
        BASE,
        "  .foot { column-gap: 8px; }\n",
        "",
        "test_screen_shift.py::test_footer_of_a_phone_has_two_rows_with_the_switches_above",
    ),
]
