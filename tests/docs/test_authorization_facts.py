"""The authorization guide against the code: limits, permissions, the arguments of the guard, and its view."""

import importlib
import inspect
import sys
from pathlib import Path

import pytest
from auth_guard import Forbidden, Guard, Unauthorized, Unavailable, connections
from flask import Flask
from flask.testing import FlaskClient

from auth.permissions import BUILT_IN, MAX_ROLE_NAME, AuthPermission
from auth.roles import definitions, grants
from tests.docs.test_tour import blocks, section
from tests.support.documents import code_in, read, table_rows
from tests.support.roles import define, grant, revoke
from tests.support.service import bearer, signed_in
from utils.permissions import MAX_PERMISSION
from utils.web.permission_query import MAX_ASKED

GUIDE = " ".join(read("docs/guides/authorization.md").split())


def test_guide_states_the_limits_of_the_code() -> None:
    word = (MAX_PERMISSION - 1) // 2
    for statement in (
        f"A role has 1 to {MAX_ROLE_NAME} lower-case letters, digits and hyphens",
        f"two such words of up to {word}, with a colon between them",
        f"at most {definitions.MAX_ROLES:,} roles, with {definitions.MAX_PERMISSIONS} permissions each",
        f"One question names at most {MAX_ASKED} permissions",
        f"up to {grants.MAX_NOTIFIED} others with the role `admin` get a mail",
        "keeps up to eight connections, for a minute each",
    ):
        assert statement in GUIDE
    assert (connections.MAX_KEPT, connections.MAX_AGE) == (8, 60.0)


def test_guide_lists_the_permissions_and_roles_of_the_service() -> None:
    rows = table_rows(read("docs/guides/authorization.md"), "permission", "for")
    assert [code_in(row[0]) for row in rows] == [[each] for each in AuthPermission]
    assert set(BUILT_IN) == {"admin", "support"}
    assert "`admin` has all of them, `support` has `auth:view` and `auth:support`" in GUIDE


def test_guide_lists_the_arguments_and_exceptions_of_the_guard() -> None:
    text = read("docs/guides/authorization.md")
    arguments = {code_in(row[0])[0]: code_in(row[1]) for row in table_rows(text, "argument of `Guard`")}
    parameters = dict(inspect.signature(Guard).parameters)
    assert arguments == {
        name: [] if each.default is each.empty else [str(each.default)] for name, each in parameters.items()
    }
    kinds = {code_in(row[0])[0]: row[1] for row in table_rows(text, "exception", "status")}
    assert kinds == {each.__name__: str(each.status) for each in (Unauthorized, Forbidden, Unavailable)}


def test_view_of_the_guide_wants_its_permission(
    app: Flask, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "drafts.py").write_text(blocks(section("requires"), "python")[0])
    monkeypatch.syspath_prepend(tmp_path)
    app.register_blueprint(importlib.import_module("drafts").drafts_bp)
    sys.modules.pop("drafts")
    headers = bearer(signed_in(client)["access_token"])
    define(app, "reader", "reports:read")
    assert client.get("/drafts/mine").status_code == 401
    assert client.get("/drafts/mine", headers=headers).status_code == 403
    grant(app, "ada", "reader")
    answer = client.get("/drafts/mine", headers=headers)
    assert answer.get_json() == {"user_id": 1, "permissions": ["reports:read"]}
    revoke(app, "ada", "reader")
    assert client.get("/drafts/mine", headers=headers).status_code == 403


def test_view_without_requires_reads_no_permission(app: Flask, client: FlaskClient) -> None:
    from flask import g

    from utils.auth_helpers import jwt_required

    @app.get("/plain")
    @jwt_required
    def plain() -> dict[str, int]:
        return {"permissions": len(g.principal.permissions)}

    headers = bearer(signed_in(client)["access_token"])
    define(app, "reader", "reports:read")
    grant(app, "ada", "reader")
    assert client.get("/plain", headers=headers).get_json() == {"permissions": 0}


def test_question_without_a_query_asks_for_a_token_alone(client: FlaskClient) -> None:
    headers = bearer(signed_in(client)["access_token"])
    assert [client.get(f"/auth/verify{end}", headers=headers).status_code for end in ("", "?")] == [204, 204]
    assert client.get("/auth/verify?permission=", headers=headers).status_code == 403
