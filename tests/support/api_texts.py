"""Every English text of the API for people, found in the code: the keys of each `messages.json`."""

import ast
from collections.abc import Iterator
from functools import cache
from importlib import resources

import utils.errors
from auth.event_texts import EVENT_TEXTS, REASON_TEXTS
from auth.outputs import MESSAGES
from ops.openapi import documented_routes
from ops.openapi_errors import errors_of
from tests.support.architecture import Sources, project_sources
from tests.support.memory_apps import memory_app
from utils.errors import error_classes
from utils.web.validation import FAULTS

# What answers calls over HTTP. Commands speak English.
SERVES = ("auth/", "oauth/", "utils/")
COMMANDS = (
    "auth/commands.py",
    "auth/admin/",
    "auth/roles/",
    "auth/transfer/",
    "oauth/clients/",
    "oauth/resources/",
)
# Texts of others: `FAULTS` and what else pydantic may say, and the phrases of Werkzeug, which stay English.
GENERIC = ("utils/web/validation.py", "utils/error_handlers.py")


@cache
def api_texts() -> frozenset[str]:
    """Return the templates of all texts."""
    texts = {*EVENT_TEXTS.values(), *REASON_TEXTS.values(), *MESSAGES.values(), *FAULTS.values()}
    return frozenset(texts.union(_of_errors(), _of_calls(project_sources()), _of_advice()))


def texts_without_template(sources: Sources) -> list[str]:
    """Return the places where a text of the API is not a `Text` with a template that is written out."""
    found = []
    for path, call in _calls(sources):
        if path in GENERIC:
            continue
        if _name(call) == "Text" and not _literal(call):
            found.append(f"{path}:{call.lineno} Text of a variable")
        fields = next((each.value for each in call.keywords if each.arg == "fields"), None)
        if isinstance(fields, ast.Dict) and any(map(_is_bare, fields.values)):
            found.append(f"{path}:{call.lineno} fault of a field without Text")
        if _name(call) in _error_names() and call.args and _is_bare(call.args[0]):
            found.append(f"{path}:{call.lineno} message without Text")
    return found


def _of_errors() -> Iterator[str]:
    """Yield the messages of the errors that some route declares, and of those that Flask raises."""
    with memory_app() as app:
        codes = {error.code for _, _, docs in documented_routes(app) for error in errors_of(docs)}
    for error in error_classes():
        if (error.code in codes or error.__module__ == utils.errors.__name__) and not error.for_developers:
            yield error.message


def _of_calls(sources: Sources) -> Iterator[str]:
    for _, call in _calls(sources):
        if _name(call) == "Text" and (template := _literal(call)):
            yield template


def _of_advice() -> Iterator[str]:
    """Yield the texts of zxcvbn, which marks them for gettext."""
    source = resources.files("zxcvbn").joinpath("feedback.py").read_text("utf-8")
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and _name(call) == "_" and (text := _literal(call)):
            yield text


def _calls(sources: Sources) -> Iterator[tuple[str, ast.Call]]:
    for path, text in sources.items():
        if path.startswith(SERVES) and not path.startswith(COMMANDS):
            yield from ((path, node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))


@cache
def _error_names() -> frozenset[str]:
    return frozenset(error.__name__ for error in error_classes() if not error.for_developers)


def _name(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def _literal(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _is_bare(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
