"""The words of the screens and of the mails: one for each thing."""

import re

import pytest

from utils.languages.catalogue import shipped

# What people would read two words for, or would not know.
AVOIDED = re.compile(
    r"\b(configur\w+|enrol\w*|switch\w*|enabl\w+|activat\w+|log-in|sign(ed|s)? in|sign-in|regist\w+"
    r"|security key|WebAuthn|your app|TOTP|2FA|MFA|backup code\w*|client|sessions?|verif\w+"
    r"|eras\w+|revok\w+|forget|operators?|admin\w*|opens? your account|opens it|void)\b",
    re.IGNORECASE,
)
DEVELOPERS = "oauth_error."  # read by the makers of an app
ROLES = "role_"  # mails to people who run the service

SCREENS = {
    f"{part}:{key}": words
    for part, entries in (("page", shipped().english.page), ("script", shipped().english.script))
    for key, words in entries.items()
    if not key.startswith(DEVELOPERS)
}


def mail_texts() -> dict[str, str]:
    files = shipped().english.letters.glob("*.txt")
    bodies = {path.stem: re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", path.read_text("utf-8")) for path in files}
    words = {**bodies, **shipped().english.mail}
    return {name: text for name, text in words.items() if not name.startswith(ROLES)}


@pytest.mark.parametrize("found", [SCREENS, mail_texts()], ids=["screens", "mails"])
def test_texts_use_one_word_for_each_thing(found: dict[str, str]) -> None:
    assert len(found) > 30
    assert {name: match[0] for name, words in found.items() if (match := AVOIDED.search(words))} == {}
