"""The Postman collection (v2.1), made from the API description: `make postman` writes it.

Two folders: a tour that keeps its tokens in variables and asserts what it gets, and every
call once. Bodies, examples and the schemas that answers are held against come from the
description, so that nothing is written twice.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

import click
from flask.cli import with_appcontext

from utils.services import services

Json = dict[str, Any]

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
VARIABLES = {
    "base_url": "http://localhost:8000",
    "username": "ada",
    "email": "ada@example.com",
    "password": "correct horse battery",
    "access_token": "",
    "refresh_token": "",
    "session_id": "",
    "passkey_id": "00000000-0000-0000-0000-000000000000",  # of nobody: which it is, only a browser can tell
}
FAILURES_OF_OURS = {500, 503}  # documented for every call, and never an answer that a test wants
IDENTITY = str(uuid5(NAMESPACE_URL, "auth-service/postman"))

KEEP_TOKENS = """
if ((pm.response.headers.get("Content-Type") || "").startsWith("application/json")) {
  const body = pm.response.json();
  for (const name of ["access_token", "refresh_token"]) {
    if (body[name]) { pm.collectionVariables.set(name, body[name]); }
  }
}
"""
RANDOM_NAME = """
const name = "tour-" + Math.random().toString(36).slice(2, 12);
pm.collectionVariables.set("username", name);
pm.collectionVariables.set("email", name + "@example.com");
"""
IS_MYSELF = """
pm.test("it is the account of the tour", () => {
  pm.expect(pm.response.json().user.username).to.equal(pm.collectionVariables.get("username"));
});
"""
IS_NEW = """
pm.test("the refresh token was used up", () => {
  pm.expect(JSON.parse(pm.request.body.raw).refresh_token).to.not.equal(pm.response.json().refresh_token);
});
"""
FIND_CURRENT = """
const current = pm.response.json().sessions.find((session) => session.current);
pm.test("one session is the current one", () => pm.expect(current).to.be.an("object"));
pm.collectionVariables.set("session_id", current.id);
"""
SAYS_WHO = """
pm.test("the headers say whose the token is", () => {
  pm.expect(pm.response.headers.get("X-Auth-User-Id")).to.match(/^[0-9]+$/);
  pm.expect(pm.response.headers.get("X-Auth-Username")).to.equal(pm.collectionVariables.get("username"));
});
"""
IS_REFUSED = """
pm.test("the token is refused from the logout on", () => {
  pm.expect(pm.response.json().code).to.equal("token_invalid");
});
"""


class Step(NamedTuple):
    """One call of the tour: what it must answer, and what else is done around it."""

    name: str
    call: str
    status: int
    after: str = ""
    before: str = ""


TOUR = (
    Step("Register with a random name", "POST /auth/register", 201, IS_MYSELF, RANDOM_NAME),
    Step("Log in", "POST /auth/login", 200, IS_MYSELF),
    Step("Who am I?", "GET /auth/me", 200, IS_MYSELF),
    Step("Exchange the refresh token", "POST /auth/refresh", 200, IS_NEW),
    Step("Where am I signed in?", "GET /auth/sessions", 200, FIND_CURRENT),
    Step("Ask as another service does", "GET /auth/verify", 204, SAYS_WHO),
    Step("Log out", "POST /auth/logout", 204),
    Step("Who am I now?", "GET /auth/me", 401, IS_REFUSED),
)


def collection(description: Json) -> Json:
    """The collection of an API with this OpenAPI description."""
    calls = {
        f"{method.upper()} {path}": operation
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    }
    schemas = description["components"]["schemas"]
    tour = [_tour_item(step, calls[step.call], schemas) for step in TOUR]
    every = [_item(call, call, operation, schemas) for call, operation in calls.items()]
    for item, operation in zip(every, calls.values(), strict=True):
        item["event"] = [_event("test", _is_documented(operation))]
    return {
        "info": {
            "_postman_id": IDENTITY,
            "name": description["info"]["title"],
            "description": f"{description['info']['description']} Begin with the folder Tour, top to bottom.",
            "schema": SCHEMA,
        },
        "auth": _auth("{{access_token}}"),
        "variable": [{"key": key, "value": value, "type": "string"} for key, value in VARIABLES.items()],
        "event": [_event("test", KEEP_TOKENS)],
        "item": [{"name": "Tour", "item": tour}, {"name": "Every call", "item": every}],
    }


def _tour_item(step: Step, operation: Json, schemas: Json) -> Json:
    item = _item(step.name, step.call, operation, schemas)
    checks = _answers(step.status, operation["responses"][str(step.status)], schemas) + step.after
    item["event"] = [_event("test", checks)]
    if step.before:
        item["event"].append(_event("prerequest", step.before))
    return item


def _item(name: str, call: str, operation: Json, schemas: Json) -> Json:
    """One request, with the answer of the description as its example."""
    method, path = call.split()
    request: Json = {"method": method, "header": [], "url": _url(path), "description": _told(operation)}
    if not operation["security"]:
        request["auth"] = {"type": "noauth"}
    if "requestBody" in operation:
        request["header"].append({"key": "Content-Type", "value": "application/json"})
        request["body"] = {
            "mode": "raw",
            "raw": json.dumps(_body(operation, schemas), indent=2),
            "options": {"raw": {"language": "json"}},
        }
    return {"name": name, "request": request, "response": _examples(request, operation)}


def _body(operation: Json, schemas: Json) -> Json:
    """The first example of the body; a value that has a variable is taken from there."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    example = schemas[schema["$ref"].rpartition("/")[2]]["examples"][0]
    return {name: f"{{{{{name}}}}}" if name in VARIABLES else value for name, value in example.items()}


def _examples(request: Json, operation: Json) -> list[Json]:
    status, answer = next(iter(operation["responses"].items()))
    example: Json = {"name": answer["description"], "originalRequest": request, "code": int(status)}
    example |= {"status": answer["description"], "_postman_previewlanguage": "json", "header": []}
    if "content" in answer:
        example["header"] = [{"key": "Content-Type", "value": "application/json"}]
        example["body"] = json.dumps(answer["content"]["application/json"]["example"], indent=2)
    return [example]


def _told(operation: Json) -> str:
    """What the call does, and the codes that it may be refused with."""
    lines = [f"{operation['summary']}. {operation['description']}".strip(), ""]
    for status, answer in operation["responses"].items():
        codes = answer.get("content", {}).get("application/json", {}).get("examples", {})
        lines += [f"- {status}: {', '.join(f'`{code}`' for code in codes)}"] if codes else []
    return "\n".join(lines)


def _url(path: str) -> Json:
    filled = path.replace("{", "{{").replace("}", "}}")
    return {
        "raw": "{{base_url}}" + filled,
        "host": ["{{base_url}}"],
        "path": filled.strip("/").split("/"),
    }


def _auth(token: str) -> Json:
    return {"type": "bearer", "bearer": [{"key": "token", "value": token, "type": "string"}]}


def _event(listen: str, script: str) -> Json:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": script.strip().splitlines()}}


def _answers(status: int, answer: Json, schemas: Json) -> str:
    """A script that asserts the status, and the shape if there is one."""
    script = f'\npm.test("answers {status}", () => pm.response.to.have.status({status}));\n'
    if "content" not in answer:
        return script
    schema = json.dumps(_whole(answer["content"]["application/json"]["schema"], schemas))
    return f'{script}pm.test("has its shape", () => pm.response.to.have.jsonSchema({schema}));\n'


def _is_documented(operation: Json) -> str:
    statuses = sorted({int(status) for status in operation["responses"]} - FAILURES_OF_OURS)
    return f'pm.test("is a documented answer", () => pm.expect({statuses}).to.include(pm.response.code));'


def _whole(schema: Any, schemas: Json) -> Any:
    """The schema with every reference replaced by what it refers to."""
    if isinstance(schema, list):
        return [_whole(part, schemas) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _whole(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    return {name: _whole(part, schemas) for name, part in schema.items()}


def text_of(description: Json) -> str:
    """The collection as it stands in its file."""
    return json.dumps(collection(description), indent=2) + "\n"


@click.command("postman")
@click.argument("file", type=click.Path(path_type=Path))
@with_appcontext
def postman(file: Path) -> None:
    """Write the Postman collection of this API."""
    file.write_text(text_of(services().describe()), encoding="utf-8")
