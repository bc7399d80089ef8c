"""The house rules as functions over the sources: each returns what breaks it, and nothing if all is well.

`Sources` maps a path inside the project to its text, so that a test can hand in a
sabotaged copy and see that the rule bites.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
Sources = dict[str, str]

# Who may import whom of ours. The longest matching name decides; a name stands for what is below it too.
ANSWERS = ["auth.outputs", "auth.factor_outputs", "auth.session_outputs", "auth.reports"]
ROUTES = ["auth", "auth.inputs", *ANSWERS, "auth.flows", "auth.openapi", "utils"]
BELOW = ["auth.stores", "auth.tokens", "auth.mails", "auth.errors", "auth.events", "models", "utils"]
IMPORTS: dict[str, list[str]] = {
    "app": ["api_page", "auth", "config", "models", "ops", "pages", "utils"],
    "config": ["config_values"],
    "config_values": [],
    "models": [],
    "ops": ["utils", "config"],
    "api_page": ["api_page", "utils"],
    "pages": ["pages", "utils", "config"],
    "auth": ["auth.routes", "auth.cli"],
    "auth.routes": ROUTES,
    "auth.cli": ROUTES,
    "auth.flows": ["auth.flows.steps", *BELOW],  # flows never import flows; the steps are shared
    "auth.stores": ["auth.stores", "auth.events", "models", "utils"],
    "auth.tokens": ["models", "utils"],
    "auth.mails": ["models", "utils"],
    "auth.fields": ["utils"],
    "auth.inputs": ["auth.fields", "utils"],
    "auth.factor_outputs": ["auth.outputs", "models", "utils"],
    "auth.session_outputs": ["auth.events", "auth.outputs", "models", "utils"],
    "auth.outputs": ["auth.tokens", "models", "utils"],
    "auth.reports": ["auth.events", "auth.outputs", "auth.session_outputs", "models"],
    "auth.openapi": ["auth.errors", "utils"],
    "auth.errors": ["utils.errors"],
    "auth.events": [],
    "utils": ["utils", "config", "config_values"],
    "migrations": ["models"],
}
# What a module beside these may import: a blueprint of your own, guarded by `jwt_required`.
GUEST = ["utils"]
# The Flask idiom: the package imports its routes last, and these import the blueprint.
ALLOWED_CYCLE = ("auth", ("auth.routes", "auth.cli"))
BELOW_THE_ROUTES = (
    "auth/flows/ auth/stores/ auth/tokens.py auth/mails.py auth/fields.py auth/inputs.py auth/outputs.py "
    "auth/factor_outputs.py auth/session_outputs.py auth/errors.py "
    "auth/events.py models.py config.py config_values.py"
).split()
SQL_WORDS = set("select insert update delete text func union union_all exists literal_column".split())
SESSION_WORDS = set("add add_all delete execute flush get merge query scalar scalars".split())


def project_sources() -> Sources:
    """Every Python file of the project."""
    folders = ("api_page", "auth", "utils", "pages", "migrations", "tests", "bench", "deploy")
    paths = [*ROOT.glob("*.py"), *(path for name in folders for path in (ROOT / name).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}


def _product(sources: Sources) -> Iterator[tuple[str, ast.Module]]:
    for path, text in sources.items():
        if not path.startswith(("tests/", "bench/", "deploy/")):
            yield path, _parsed(text)


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _is_under(name: str, parent: str) -> bool:
    return name == parent or name.startswith(f"{parent}.")


def _imports(tree: ast.AST, modules: set[str], *, top_level: bool = False) -> Iterator[tuple[int, str]]:
    """Line and module of every import; `from package import module` counts as the module."""
    nodes = _at_import_time(tree) if top_level else ast.walk(tree)
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


def imports_follow_the_table(sources: Sources) -> list[str]:
    modules = {_module(path) for path in sources}
    ours = {name.partition(".")[0] for name in modules}
    faults = []
    for path, tree in _product(sources):
        module = _module(path)
        row = max((name for name in IMPORTS if _is_under(module, name)), key=len, default=None)
        guest = row is None and "." not in module
        if (module.startswith("auth.") and row == "auth") or (row is None and not guest):
            faults.append(f"{path}: has no row in the import table")
            continue
        for line, name in _imports(tree, modules):
            may = GUEST if row is None else IMPORTS[row]
            allowed = any(name == one if one == "auth" else _is_under(name, one) for one in may)
            if name.startswith(".") or (name.partition(".")[0] in ours and not allowed and path != "app.py"):
                faults.append(f"{path}:{line}: may not import {name}")
    return faults


def no_import_cycles(sources: Sources) -> list[str]:
    modules = {_module(path) for path in sources}
    graph = {
        _module(path): {
            name
            for _, name in _imports(tree, modules, top_level=True)
            if name in modules and not _is_allowed_cycle(_module(path), name)
        }
        for path, tree in _product(sources)
    }
    faults: list[str] = []
    done: set[str] = set()

    def walk(module: str, trail: list[str]) -> None:
        if module in trail:
            faults.append("a cycle: " + " -> ".join([*trail[trail.index(module) :], module]))
        elif module not in done:
            for name in sorted(graph.get(module, ())):
                walk(name, [*trail, module])
            done.add(module)

    for module in sorted(graph):
        walk(module, [])
    return faults


def _is_allowed_cycle(importer: str, imported: str) -> bool:
    package, parts = ALLOWED_CYCLE
    return importer == package and any(_is_under(imported, part) for part in parts)


def current_app_is_in_one_file(sources: Sources) -> list[str]:
    allowed = {"utils/services.py", "migrations/env.py"}
    return [
        f"{path}:{node.lineno}: current_app"
        for path, tree in _product(sources)
        for node in ast.walk(tree)
        if path not in allowed and _last_name(node) == "current_app" and isinstance(node, ast.expr)
    ]


def only_flows_commit(sources: Sources) -> list[str]:
    return [
        f"{path}:{node.lineno}: commits"
        for path, tree in _product(sources)
        for node in ast.walk(tree)
        if not path.startswith(("auth/flows/", "migrations/"))
        and path not in {"utils/migrations.py", "auth/stores/rate_limits.py"}  # see its docstring
        and isinstance(node, ast.Attribute)
        and node.attr in {"commit", "begin"}
    ] + [
        f"{path}: a step never commits"
        for path, text in sources.items()
        if path.startswith("auth/flows/steps/") and ".commit(" in text
    ]


def only_stores_speak_sql(sources: Sources) -> list[str]:
    # utils/database.py holds the pragmas and the insert that both databases share.
    allowed = ("auth/stores/", "migrations/", "utils/migrations.py", "utils/database.py")
    faults = []
    for path, tree in _product(sources):
        if path.startswith(allowed):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
                words = SQL_WORDS & {alias.name for alias in node.names}
                faults += [f"{path}:{node.lineno}: imports {word}" for word in sorted(words)]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name, owner = node.func.attr, _last_name(node.func.value)
                if (name in SESSION_WORDS and owner in {"session", "connection"}) or (
                    name in SQL_WORDS and owner in {"db", "sa", "sqlalchemy"}
                ):
                    faults.append(f"{path}:{node.lineno}: {owner}.{name}()")
    return faults


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def no_model_query(sources: Sources) -> list[str]:
    return [
        f"{path}:{node.lineno}: .query"
        for path, tree in _product(sources)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr == "query"
        and (_last_name(node.value)[:1].isupper() or _last_name(node.value) in {"session", "cls"})
    ]


def no_flask_below_the_routes(sources: Sources) -> list[str]:
    return [
        f"{path}:{line}: imports {name}"
        for path, tree in _product(sources)
        if path.startswith(tuple(BELOW_THE_ROUTES))
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
        for node in ast.walk(tree):
            if path.startswith("auth/routes/") and isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
                length = (node.end_lineno or 0) - body[0].lineno + 1
                faults += [f"{path}:{node.lineno}: {node.name} has {length} lines"] if length > 20 else []
    return faults


def there_is_one_clock(sources: Sources) -> list[str]:
    bare = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}
    bare |= {("time", "time"), ("time", "time_ns"), ("func", "now")}
    faults = []
    for path, tree in _product(sources):
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and (_last_name(node.value), node.attr) in bare:
                faults.append(f"{path}:{node.lineno}: {_last_name(node.value)}.{node.attr}")
            elif isinstance(node, ast.ImportFrom) and node.module == "time":
                words = {"time", "time_ns"} & {alias.name for alias in node.names}
                faults += [f"{path}:{node.lineno}: from time import {word}" for word in words]
    return [fault for fault in faults if not fault.startswith("utils/clock.py:")]


def failures_are_raised_and_not_written(sources: Sources) -> list[str]:
    """One error shape: only utils/errors.py answers a failure, so nobody else makes a response by hand."""
    allowed = {"utils/errors.py", "utils/http.py"}
    return [
        f"{path}:{node.lineno}: {_last_name(node.func)}()"
        for path, tree in _product(sources)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and path not in allowed
        and not path.startswith("pages/")
        and _last_name(node.func) in {"abort", "jsonify", "make_response"}
    ]
