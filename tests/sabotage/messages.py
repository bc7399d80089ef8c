"""Rules about the language of messages."""

from tests.sabotage import Sabotage

LOCALIZED, TESTS = "utils/web/localized.py", "test_api_messages.py"
MESSAGES = [
    Sabotage(
        "DEFAULT_LANGUAGE does not affect messages of the API",
        LOCALIZED,
        "spoken.said if spoken else str",
        "(spoken or services().languages.default).said",
        f"{TESTS}::test_refusal_is_english_unless_the_call_asks_for_another_language",
    ),
    Sabotage(
        "every language has every message of the API",
        "locales/de/messages.json",
        '    "wrong code": "falscher Code",\n',
        "",
        f"{TESTS}::test_every_language_has_every_message_of_the_api_with_its_gaps",
    ),
    Sabotage(
        "a new message of the API needs a translation",
        "auth/passwords/policy.py",
        "was found in a data leak",
        "is in a data leak",
        f"{TESTS}::test_every_language_has_every_message_of_the_api_with_its_gaps",
    ),
    Sabotage(
        "a message of the API is a text that can be translated",
        "auth/passwords/policy.py",
        'Text("was found in a data leak")',
        '"was found in a data leak"',
        f"{TESTS}::test_every_message_of_the_api_is_a_text_with_a_template",
    ),
    Sabotage(
        "a response with a message says that it varies by language",
        LOCALIZED,
        "        after_this_request(_varying)\n",
        "",
        f"{TESTS}::test_vary_names_the_header_once_beside_others",
    ),
    Sabotage(
        "messages for developers stay English",
        "oauth/errors.py",
        "    for_developers = True\n",
        "",
        f"{TESTS}::test_messages_for_developers_stay_english",
    ),
    Sabotage(
        "names in an event are not translated",
        "utils/languages/catalogue.py",
        "self.said(each) if isinstance(each, Text) else each",
        "self.said(str(each))",
        f"{TESTS}::test_values_of_a_text_are_kept_and_texts_in_it_translated",
    ),
    Sabotage(
        "the screens ask for messages in the language of the page",
        "pages/static/lib/client.js",
        "{ solve, language: document.documentElement.lang }",
        "{ solve }",
        "test_screen_languages.py::test_advice_and_activity_are_in_the_language_of_the_page",
    ),
]
