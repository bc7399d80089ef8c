"""The form of `explain-client` in a terminal: lines that fit, and the remedy below each sentence."""

from datetime import UTC, datetime

import pytest

from auth.admin.finding import Finding
from oauth.clients import outputs
from oauth.clients.explanation import Line, text_of

COMMAND = "flask --app app auth clients set app --redirect https://app.example.com/" + "x" * 90
ADVICE = f"Register the address that the application sends, or configure the one that is here. Run: {COMMAND}"
LINE = Line(
    at=datetime(2026, 11, 30, 12, tzinfo=UTC),
    step="authorize",
    reason="redirect_unknown",
    sentence="The redirect address is not registered.",
    detail="asked for https://app.example.com/cb/, registered is https://app.example.com/cb: a final slash",
    advice=ADVICE,
    count=3,
    by_anybody=True,
    request_id="",
)


@pytest.mark.parametrize("width", [80, 100])
def test_lines_of_a_terminal_fit_its_width_and_keep_a_command_on_one_line(width: int) -> None:
    text = outputs.refused(LINE, width)
    lines = text.splitlines()
    assert lines.pop() == f"{outputs.HINT}  {COMMAND}"
    assert all(len(line) <= width for line in lines)
    assert " ".join(text.split()) == " ".join(f"{text_of(LINE)} {ADVICE}".split())


def test_remedy_is_indented_below_the_sentence() -> None:
    found = outputs.finding(Finding("pkce", "warning", "The client may leave PKCE out.", "Switch it on."), 80)
    assert found == "  - The client may leave PKCE out.\n        Switch it on."
    for line in outputs.refused(LINE, 80).partition("Register the")[2].splitlines()[1:]:
        assert line.startswith(outputs.HINT)


def test_output_that_is_no_terminal_has_each_sentence_on_one_line() -> None:
    assert outputs.refused(LINE, None).splitlines() == [f"  {text_of(LINE)}", f"{outputs.HINT}{ADVICE}"]
