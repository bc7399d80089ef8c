"""Languages of accounts and of their mails."""

from tests.sabotage import Sabotage

OUTBOX, USERS, DELIVERY = "auth/stores/outbox.py", "auth/stores/users.py", "auth/mailing/delivery.py"
WORDING, PROFILE = "auth/mailing/wording.py", "auth/accounts/profile.py"
OF_MAILS, LETTERS = "test_language_of_mails.py", "test_mail_languages.py"
LANGUAGES = [
    Sabotage(
        "a mail is in the language that its recipient has chosen",
        USERS,
        "func.coalesce(User.locale, User.signup_locale)",
        "func.coalesce(User.signup_locale, User.locale)",
        f"{OF_MAILS}::test_mail_is_in_the_language_of_the_sign_up_until_the_account_chooses_one",
    ),
    Sabotage(
        "a stranger does not choose the language of a reset",
        "auth/mailing/messages.py",
        "    settings = services.settings\n    pages = {name",
        "    language = services.languages.english\n    settings = services.settings\n    pages = {name",
        f"{OF_MAILS}::test_stranger_who_requests_a_reset_does_not_choose_its_language",
    ),
    Sabotage(
        "a sign-up over a taken address mails the owner in the owner's language",
        OUTBOX,
        "language=users.mail_language(user_id),",
        "language='en',",
        f"{OF_MAILS}::test_sign_up_over_a_taken_address_mails_the_owner_in_their_language",
    ),
    Sabotage(
        "a change to a taken address mails its owner in the owner's language",
        DELIVERY,
        "recipient=owner.email, language=language",
        "recipient=owner.email, language=mail.language",
        f"{OF_MAILS}::test_change_to_a_taken_address_mails_its_owner_in_their_language",
    ),
    Sabotage(
        "a mail without an installed language goes in the default one",
        DELIVERY,
        "services.languages.find(mail.language) or services.languages.default",
        "services.languages.find(mail.language) or services.languages.english",
        f"{OF_MAILS}::test_mail_without_an_installed_language_is_in_the_default_one",
    ),
    Sabotage(
        "only installed languages are stored at a sign-up",
        "auth/accounts/routes.py",
        "locale=language.tag if (language := asked_language()) else None,",
        "locale=__import__('flask').request.headers.get('Accept-Language'),",
        f"{OF_MAILS}::test_language_of_a_sign_up_is_that_of_the_screens_then_of_the_browser_if_it_is_installed",
    ),
    Sabotage(
        "only installed languages are chosen",
        "auth/fields.py",
        "if languages.find(tag) is None:",
        "if not languages:",
        "test_language_choice.py::test_language_that_is_not_installed_is_refused_without_its_value",
    ),
    Sabotage(
        "null takes the choice of a language back",
        "utils/web/validation.py",
        "for name in cls.nullable if name in data",
        "for name in () if name in data",
        "test_language_choice.py::test_chosen_language_is_in_user_objects_and_null_asks_the_browser",
    ),
    Sabotage(
        "a user name beside a language needs a fresh login",
        PROFILE,
        "        step_up.fresh_session(services, principal)\n",
        "",
        "test_language_choice.py::test_choice_of_a_language_needs_no_fresh_login_but_a_user_name_beside_it_does",
    ),
    Sabotage(
        "every language has every letter",
        "locales/de/mails/reset_password.txt",
        "{{ lifetime }}",
        "",
        f"{LETTERS}::test_every_language_has_every_mail_with_its_gaps_links_and_facts",
    ),
    Sabotage(
        "a language without a letter does not start",
        "utils/languages/catalogue.py",
        'raise LookupError(f"The language {language.tag} has no mails/{name}")',
        "break",
        f"{LETTERS}::test_language_without_a_kind_of_mail_is_refused_at_start",
    ),
    Sabotage(
        "times of a mail follow its language",
        WORDING,
        'format_date(at, "long", locale=language.locale)',
        'format_date(at, "long", locale="en")',
        f"{LETTERS}::test_times_of_a_mail_are_written_as_its_language_does",
    ),
    Sabotage(
        "the lifetime of a link has the plural of its language",
        WORDING,
        '"long", locale=language.locale)\n\n\ndef _moment',
        '"long", locale="en")\n\n\ndef _moment',
        f"{LETTERS}::test_lifetime_of_a_link_has_the_plural_of_its_language",
    ),
    Sabotage(
        "an import stores only installed languages",
        "auth/transfer/candidates.py",
        'first_available([tag.replace("_", "-")], services.languages.tags) if tag else None',
        "tag",
        "test_import_languages.py::test_language_of_a_line_is_stored_as_the_installed_one_that_comes_closest",
    ),
]
