"""The architecture rules as functions over the sources: each returns its violations.

`Sources` maps a path inside the project to its text, so that a test can pass a
sabotaged copy and check that the rule detects it.
"""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tests.support import project

ROOT = project.ROOT
Sources = dict[str, str]

# `.importlinter` holds the packages. This table holds the modules beside them: what each may import.
TOP_LEVEL: dict[str, set[str]] = {
    "app": {"auth", "config", "models", "oauth", "ops", "pages", "utils"},
    "config": {"config_brand", "config_checks", "config_returns", "config_values"},
    "config_brand": set(),
    "config_checks": {"config_returns", "config_values"},
    "config_returns": {"config_values"},
    "config_values": set(),
    "models": {"tables"},
}
WITHOUT_FLASK = {f"{name}.py" for name in TOP_LEVEL} - {"app.py"}
OURS = {*TOP_LEVEL, *project.PRODUCT}
BESIDE = tuple(f"{name}/" for name in project.BESIDE)  # what is no part of the service
# Shared sequences: the flow that calls one of these commits.
NEVER_COMMIT = (
    "auth/mailing/links.py auth/sessions/step_up.py auth/sessions/ending.py auth/factors/changes.py "
    "auth/factors/totp_secrets.py "
    "auth/factors/recovery_code_set.py auth/factors/passkey_ceremonies.py auth/login/complete.py "
    "auth/login/pending.py auth/login/brute_force.py auth/passwords/check.py auth/passwords/policy.py"
).split()
MAY_USE_FLASK = ("routes.py", "cli.py", "blueprint.py", "cookies.py")
SQL_WORDS = set("select insert update delete text func union union_all exists literal_column".split())
SESSION_WORDS = set("add add_all delete execute flush get merge query scalar scalars".split())


@cache
def project_sources() -> Sources:
    """Every Python file of the project, but for the package for other services."""
    paths = {path.relative_to(ROOT): path for path in project.project_files() if path.suffix == ".py"}
    return {
        name.as_posix(): path.read_text("utf-8") for name, path in paths.items() if name.parts[0] != "sdk"
    }


def _product(sources: Sources) -> Iterator[tuple[str, ast.Module]]:
    for path, text in sources.items():
        if not path.startswith(BESIDE):
            yield path, _parsed(text)


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def _nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Every node of a file. To walk all files takes a second, and each rule needs their nodes."""
    return tuple(ast.walk(tree))


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imports(tree: ast.Module, modules: set[str], *, top_level: bool = False) -> Iterator[tuple[int, str]]:
    """Line and module of every import; `from package import module` counts as the module."""
    nodes: Iterable[ast.AST] = _at_import_time(tree) if top_level else _nodes(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield node.lineno, full if full in modules else base


def _at_import_time(tree: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield child
            yield from _at_import_time(child)


def top_level_modules_follow_the_table(sources: Sources) -> list[str]:
    return [
        f"{path}:{line}: may not import {name}"
        for path, tree in _product(sources)
        if "/" not in path
        for line, name in _imports(tree, set())
        if name.startswith(".")
        or (name.partition(".")[0] in OURS and name.partition(".")[0] not in TOP_LEVEL[_module(path)])
    ]


def product_imports_nothing_beside_it(sources: Sources) -> list[str]:
    """The service works without its tests, and without the modules of a reader."""
    return [
        f"{path}:{line}: imports {name}"
        for path, tree in _product(sources)
        for line, name in _imports(tree, set())
        if not name.startswith(".") and _is_beside(name.partition(".")[0])
    ]


@cache
def _is_beside(name: str) -> bool:
    """Whether this is a module in the folder of the project, and not of the service."""
    spec = None if name in OURS else find_spec(name)
    places = (
        [Path(place) for place in [*(spec.submodule_search_locations or []), spec.origin or ""]]
        if spec
        else []
    )
    return any(place.parent == ROOT for place in places)


def _is_flow(path: str) -> bool:
    """Whether the file is part of a capability and neither translates HTTP nor holds SQL."""
    parts = path.split("/")
    if path == "auth/refusals.py":  # commits for the flow that uses it
        return True
    is_capability = parts[0] in {"auth", "oauth"} and len(parts) == 3 and parts[1] != "stores"
    return is_capability and parts[2] not in {"routes.py", "inputs.py", "outputs.py", "cli.py"}


def current_app_is_in_one_file(sources: Sources) -> list[str]:
    allowed = {"utils/services.py", "migrations/env.py"}
    return [
        f"{path}:{node.lineno}: current_app"
        for path, tree in _product(sources)
        for node in _nodes(tree)
        if path not in allowed and _last_name(node) == "current_app" and isinstance(node, ast.expr)
    ]


# Migrations; a count and a single statement that are transactions of their own (see their docstrings).
COMMIT_FOR_THEMSELVES = {
    "utils/database/migrations.py",
    "auth/stores/rate_limits.py",
    "utils/database/reads.py",
}


def only_flows_commit(sources: Sources) -> list[str]:
    return [
        f"{path}:{node.lineno}: commits"
        for path, tree in _product(sources)
        for node in _nodes(tree)
        if (not _is_flow(path) or path in NEVER_COMMIT)
        and not path.startswith("migrations/")
        and path not in COMMIT_FOR_THEMSELVES
        and isinstance(node, ast.Attribute)
        and node.attr in {"commit", "begin"}
    ]


def only_stores_speak_sql(sources: Sources) -> list[str]:
    # utils/database holds the pragmas and the insert that both databases share.
    allowed = ("auth/stores/", "oauth/stores/", "migrations/", "utils/database/")
    faults = []
    for path, tree in _product(sources):
        if path.startswith(allowed):
            continue
        for node in _nodes(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
                words = SQL_WORDS & {alias.name for alias in node.names}
                faults += [f"{path}:{node.lineno}: imports {word}" for word in sorted(words)]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name, owner = node.func.attr, _last_name(node.func.value)
                if (name in SESSION_WORDS and owner in {"session", "tx", "connection"}) or (
                    name in SQL_WORDS and owner in {"db", "sa", "sqlalchemy"}
                ):
                    faults.append(f"{path}:{node.lineno}: {owner}.{name}()")
    return faults


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


ENDING_STORES = ("sessions", "run_out_sessions")


def only_ending_ends_sessions(sources: Sources) -> list[str]:
    """Sessions end in one module, which tells the listener. `sessions` is the store in every flow."""
    faults = []
    for path, tree in _product(sources):
        if path in {"auth/sessions/ending.py", "auth/stores/sessions.py"}:
            continue
        for node in _nodes(tree):
            if isinstance(node, ast.Attribute) and (name := _last_name(node.value)) in ENDING_STORES:
                faults += [f"{path}:{node.lineno}: {name}.{node.attr}"] if _ends(node.attr) else []
            elif isinstance(node, ast.ImportFrom) and node.module == "auth.stores.sessions":
                faults += [f"{path}:{node.lineno}: imports {a.name}" for a in node.names if _ends(a.name)]
            elif isinstance(node, ast.ImportFrom) and node.module == "auth.stores":
                faults += [f"{path}:{node.lineno}: renames {a.name}" for a in node.names if _renamed(a)]
    return faults


def _ends(name: str) -> bool:
    return name == "end" or name.startswith("end_")


def _renamed(alias: ast.alias) -> bool:
    return alias.name == "sessions" and alias.asname not in {None, "sessions"}


def no_model_query(sources: Sources) -> list[str]:
    return [
        f"{path}:{node.lineno}: .query"
        for path, tree in _product(sources)
        for node in _nodes(tree)
        if isinstance(node, ast.Attribute)
        and node.attr == "query"
        and (_last_name(node.value)[:1].isupper() or _last_name(node.value) in {"session", "cls"})
    ]


def no_flask_below_the_routes(sources: Sources) -> list[str]:
    return [
        f"{path}:{line}: imports {name}"
        for path, tree in _product(sources)
        if path in WITHOUT_FLASK
        or (path.startswith(("auth/", "oauth/")) and not path.endswith(MAY_USE_FLASK))
        for line, name in _imports(tree, set())
        if name.split(".")[0].startswith(("flask", "werkzeug"))
        and not (path == "models.py" and name == "flask_sqlalchemy")
    ]


def no_file_is_long(sources: Sources) -> list[str]:
    return [
        f"{path}: {len(text.splitlines())} lines"
        for path, text in sources.items()
        if len(text.splitlines()) > (600 if path == "models.py" else 300)
    ]


def routes_are_short(sources: Sources) -> list[str]:
    faults = []
    for path, tree in _product(sources):
        for node in _nodes(tree):
            is_routes = path.startswith(("auth/", "oauth/")) and path.endswith("/routes.py")
            if is_routes and isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
                length = (node.end_lineno or 0) - body[0].lineno + 1
                faults += [f"{path}:{node.lineno}: {node.name} has {length} lines"] if length > 20 else []
    return faults
