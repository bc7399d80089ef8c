"""The strength meter has a short text for each advice of zxcvbn that it shows."""

import ast
import inspect
import re
from pathlib import Path

import zxcvbn.feedback

from utils.languages.catalogue import shipped

METER = Path(__file__).parent.parent.parent / "pages" / "static" / "lib" / "meter.js"
# It shows the warning, else the first suggestion; these are never the first.
LATER = {
    "Use a few words, avoid common phrases.",
    "No need for symbols, digits, or uppercase letters.",
    "Use a longer keyboard pattern with more turns.",
    "Avoid repeated words and characters.",
    "Avoid sequences.",
    "Avoid recent years.",
    "Avoid years that are associated with you.",
    "Avoid dates and years that are associated with you.",
    "Capitalization doesn't help very much.",
    "All-uppercase is almost as easy to guess as all-lowercase.",
    "Reversed words aren't much harder to guess.",
    "Predictable substitutions like '@' instead of 'a' don't help very much.",
}


def advice_of_zxcvbn() -> set[str]:
    tree = ast.parse(inspect.getsource(zxcvbn.feedback))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    texts = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "_"]
    return {text.value for text in texts if isinstance(text, ast.Constant) and isinstance(text.value, str)}


def test_each_advice_that_the_meter_shows_has_a_text_of_one_line() -> None:
    table = re.search(r"const ADVICE = \{(.*?)\};", METER.read_text("utf-8"), re.DOTALL)
    assert table
    keys = dict(re.findall(r"""^  '(.+)': "(meter\.\w+)",$""", table[1], re.MULTILINE))
    keys |= dict(re.findall(r"""^  "(.+)": "(meter\.\w+)",$""", table[1], re.MULTILINE))
    assert set(keys) == advice_of_zxcvbn() - LATER
    for spoken in shipped().by_tag.values():
        for key in keys.values():
            assert len(spoken.script[key]) <= 40, key  # 286 pixels
