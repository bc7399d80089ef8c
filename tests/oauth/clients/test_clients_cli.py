"""The commands for clients: output, exit codes, wrong input, audit events."""

import re
from typing import Any

import pytest
from flask import Flask

from tests.conftest import AppFactory
from tests.oauth.clients.test_client_authentication import basic, called, refused
from tests.support.commands import asked, auth, event, written
from tests.support.oauth import REDIRECT, SECRET, client_row
from tests.support.service import FixedClock, rows

OPTIONS = ["--redirect", REDIRECT]
NO_CLIENT = "There is no client with this id or name. See: flask --app app auth clients list"


def added(app: Flask, *words: str) -> Any:
    return asked(app, "clients", "add", *words)


@pytest.mark.both_databases
def test_client_is_added_shown_changed_disabled_enabled_and_removed(app: Flask) -> None:
    made = added(app, "My App", *OPTIONS)
    assert (made["id"], made["issuer"]) == ("my-app", "http://localhost:8000")
    assert re.fullmatch("auth_cs_[A-Za-z0-9]{43}", made["secret"])
    assert called(app, basic("my-app", made["secret"])).name == "My App"
    shown = asked(app, "clients", "show", "My App")
    assert (shown["kind"], shown["pkce"], shown["id_token_alg"]) == ("web", "required", "RS256")
    assert shown["scopes"] == ["openid", "profile", "email", "offline_access"]
    assert (shown["redirect_uris"], shown["trusted"]) == ([REDIRECT], False)
    changed = asked(
        app, *("clients", "set", "my-app", "--redirect", f"{REDIRECT}2", "--no-scope", "email", "--trusted")
    )
    assert changed["changed"] == ["redirect_uris", "scopes", "trusted"]
    assert changed["client"]["redirect_uris"] == [REDIRECT, f"{REDIRECT}2"]
    assert asked(app, "clients", "set", "my-app", "--trusted")["changed"] == []
    assert asked(app, "clients", "disable", "my-app") == {"changed": True}
    assert asked(app, "clients", "disable", "my-app") == {"changed": False}
    assert refused(app, basic("my-app", made["secret"])).status == 401
    assert asked(app, "clients", "enable", "my-app") == {"changed": True}
    assert [each["id"] for each in asked(app, "clients", "list")["clients"]] == ["my-app"]
    assert asked(app, "clients", "remove", "my-app") == {"removed": "my-app", "ended": 0}
    assert asked(app, "clients", "list") == {"clients": []}
    words = ["client_created", "client_changed", "client_disabled", "client_changed"]
    words += ["client_disabled", "client_removed"]
    assert written(app) == [event(word) for word in words]
    details = rows(app, "SELECT DISTINCT detail FROM audit_events")
    assert details == [{"detail": "my-app"}]


def test_secret_is_printed_once_and_stored_as_a_digest_only(app: Flask) -> None:
    result = auth(app, "clients", "add", "app", *OPTIONS)
    secret = re.search("auth_cs_[A-Za-z0-9]{43}", result.stdout)
    assert secret
    for words in (["show", "app"], ["list"], ["snippet", "app"], ["set", "app", "--trusted"]):
        assert secret[0] not in auth(app, "clients", *words).stdout
    stored = str(rows(app, "SELECT * FROM oauth_client_secrets, oauth_clients, audit_events"))
    assert secret[0] not in stored


@pytest.mark.parametrize("kind", ["--spa", "--native"])
def test_public_client_has_no_secret(app: Flask, kind: str) -> None:
    made = added(app, "app", "--redirect", "http://localhost/cb", kind)
    assert made["secret"] is None
    assert rows(app, "SELECT * FROM oauth_client_secrets") == []
    assert auth(app, "clients", "rotate-secret", "app").exit_code == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["app"], "redirect_uris: is missing"),
        (["app", "--redirect", "http://app.example.com/cb"], "must begin with https://"),
        (["app", "--redirect", "https://app.example.com/cb#x"], "fragment"),
        (["app", "--redirect", "https://*.example.com/cb"], "wildcard"),
        (["app", "--redirect", REDIRECT, "--redirect", "javascript:x"], "number 2 must begin with https://"),
        (["app", "--redirect", "com.example.app:/cb"], "must begin with https://"),
        (["app", *OPTIONS, "--post-logout", "https://app.example.com/../x"], "post_logout_uris"),
        (["app", *OPTIONS, "--backchannel", "http://app.example.com/x"], "backchannel_uri"),
        (["app", *OPTIONS, "--scope", "admin"], "scopes of a resource come with --resource"),
        (["app", *OPTIONS, "--pkce", "plain"], "pkce: must be one of required, optional"),
        (["app", *OPTIONS, "--spa", "--pkce", "optional"], "confidential clients only"),
        (["app", *OPTIONS, "--native", "--trusted"], "cannot be a native client"),
        (["app", *OPTIONS, "--id-token-alg", "HS256"], "must be one of RS256, ES256"),
        (["app", *OPTIONS, "--require", "Grafana"], "thing:verb"),
        (["app", *OPTIONS, "--require", "auth:view"], "permission of this service"),
        (["app", *OPTIONS, "--resource", "https://api.example.com"], "resources add"),
        (["app", *OPTIONS, "--resource", "api"], "resources: must be an https:// URL"),
        (["app", "--preset", "gopher"], "preset: must be one of"),
        (["app", *OPTIONS, "--id", "my app"], "id: must be 1 to 64"),
        (["💥", *OPTIONS], "give one with --id"),
        (["", *OPTIONS], "must be 1 to 80 characters"),
        (["a" * 81, *OPTIONS], "must be 1 to 80 characters"),
        (["app\u202e", *OPTIONS], "of one line"),
        (["app", *OPTIONS, "--scope", "roles", "--no-scope", "roles"], "given and taken away at once"),
        (["Other", *OPTIONS], "Another client has this name or id."),
        (["other", *OPTIONS], "Another client has this name or id."),
    ],
)
def test_wrong_input_is_refused_with_a_reason_and_adds_nothing(
    app: Flask, words: list[str], said: str
) -> None:
    client_row(app, "other")
    result = auth(app, "clients", "add", *words)
    assert (result.exit_code, said in result.stderr) == (1, True), result.stderr
    assert len(rows(app, "SELECT id FROM oauth_clients")) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "nothing"], NO_CLIENT),
        (["set", "nothing"], NO_CLIENT),
        (["remove", "nothing"], NO_CLIENT),
        (["disable", "nothing"], NO_CLIENT),
        (["enable", "nothing"], NO_CLIENT),
        (["rotate-secret", "nothing"], NO_CLIENT),
        (["snippet", "nothing"], NO_CLIENT),
        (["snippet", "app", "--for", "cobol"], "must be one of apache"),
        (["rotate-secret", "app", "--keep", "forever"], "such as 24h"),
        (["rotate-secret", "app", "--keep", "31d"], "at most 30d"),
        (["set", "app", "--no-redirect", REDIRECT], "redirect_uris: is missing"),
        (["set", "app", "--no-redirect", "https://app.example.com"], "letter by letter"),
        (["set", "app", "--require", "a:b", "--no-require"], "given and taken away at once"),
        (["set", "app", "--name", "Other"], "Another client has this name"),
    ],
)
def test_wrong_change_is_refused_with_a_reason(app: Flask, words: list[str], said: str) -> None:
    client_row(app)
    client_row(app, "other")
    before = rows(app, "SELECT * FROM oauth_clients"), rows(app, "SELECT * FROM oauth_client_secrets")
    result = auth(app, "clients", *words)
    assert (result.exit_code, said in result.stderr) == (1, True), result.stderr
    assert (
        rows(app, "SELECT * FROM oauth_clients"),
        rows(app, "SELECT * FROM oauth_client_secrets"),
    ) == before


@pytest.mark.both_databases
def test_secret_is_rotated_and_the_old_one_kept_for_a_while(app: Flask, clock: FixedClock) -> None:
    first = added(app, "app", *OPTIONS)["secret"]
    clock.advance(1)
    second = asked(app, "clients", "rotate-secret", "app", "--keep", "24h")["secret"]
    assert [called(app, basic("app", each)).id for each in (first, second)] == ["app", "app"]
    clock.advance(24 * 3600)
    assert refused(app, basic("app", first)).status == 401
    third = asked(app, "clients", "rotate-secret", "app", "--keep", "1h")["secret"]
    clock.advance(1)
    fourth = asked(app, "clients", "rotate-secret", "app", "--keep", "1h")["secret"]
    assert refused(app, basic("app", second)).status == 401  # two live at most
    assert [called(app, basic("app", each)).id for each in (third, fourth)] == ["app", "app"]
    last = asked(app, "clients", "rotate-secret", "app")["secret"]
    clock.advance(1)
    assert refused(app, basic("app", fourth)).status == 401
    assert called(app, basic("app", last)).id == "app"
    assert written(app)[1:] == [event("client_secret_rotated")] * 4


def test_preset_fills_redirect_scopes_and_pkce(app: Flask) -> None:
    made = added(app, "grafana", "--preset", "grafana", "--uri", "https://grafana.example.com")
    assert made["client"]["name"] == "Grafana"
    assert made["client"]["redirect_uris"] == ["https://grafana.example.com/login/generic_oauth"]
    assert made["client"]["post_logout_uris"] == ["https://grafana.example.com/login"]
    assert "roles" in made["client"]["scopes"]
    assert f"client_secret = {made['secret']}" in made["snippet"]
    gitea = added(app, "gitea", "--preset", "gitea", "--redirect", "https://git.example.com/")
    assert gitea["client"]["redirect_uris"] == ["https://git.example.com/user/oauth2/auth/callback"]
    assert gitea["client"]["pkce"] == "optional"
    own = added(app, "g2", "--preset", "grafana", "--redirect", "https://x.example/g/login/generic_oauth")
    assert own["client"]["redirect_uris"] == ["https://x.example/g/login/generic_oauth"]


def test_id_token_algorithm_is_that_of_the_settings_unless_given(make_app: AppFactory) -> None:
    app = make_app({"ID_TOKEN_ALG": "ES256"})
    assert added(app, "a", *OPTIONS)["client"]["id_token_alg"] == "ES256"
    assert added(app, "b", *OPTIONS, "--id-token-alg", "RS256")["client"]["id_token_alg"] == "RS256"


def test_back_channel_may_be_http_where_private_networks_are_named(make_app: AppFactory) -> None:
    app = make_app({"OAUTH_PRIVATE_NETWORKS": "10.1.0.0/16"})
    made = added(app, "a", *OPTIONS, "--backchannel", "http://grafana:3000/logout")
    assert made["client"]["backchannel_uri"] == "http://grafana:3000/logout"


GRANT = """
INSERT INTO oauth_grants (id, client_id, session_id, sid, secret, generation, scopes, offline, auth_time, amr,
  created_at, last_used_at, idle_end, absolute_end, user_agent, resource)
VALUES ({id}, 'app', {id}, 's', {secret}, 0, '[]', {yes}, '2026-03-01 12:00:00', 'pwd', '2026-03-01 12:00:00',
  '2026-03-01 12:00:00', '2027-03-01 12:00:00', '2027-03-01 12:00:00', '', {resource})
"""


def grant_row(app: Flask, number: int = 1, resource: str | None = None) -> None:
    """Insert a grant of the client `app`, on either database."""
    from tests.support.service import engine_of, execute

    postgres = engine_of(app).dialect.name == "postgresql"
    uuid = f"'{number:032x}'"
    secret, yes = ("'\\x00'::bytea", "true") if postgres else ("x'00'", "1")
    named = f"'{resource}'" if resource else "NULL"
    execute(app, GRANT.format(id=uuid, secret=secret, yes=yes, resource=named))


@pytest.mark.both_databases
def test_removal_of_a_client_ends_its_grants(app: Flask) -> None:
    client_row(app)
    grant_row(app)
    grant_row(app, 2)
    assert asked(app, "clients", "remove", "app")["ended"] == 2
    ended = rows(app, "SELECT client_id, end_reason, ended_at FROM oauth_grants")
    assert {(row["client_id"], row["end_reason"]) for row in ended} == {(None, "client_removed")}
    assert all(row["ended_at"] for row in ended)


def test_fault_22_nothing_but_a_command_registers_or_changes_a_client(app: Flask) -> None:
    """No public call takes the privileges of a client: there is no route for it."""
    client_row(app)
    before = rows(app, "SELECT * FROM oauth_clients")
    http, form = app.test_client(), {"trusted": "true", "scopes": "roles", "kind": "web", "scope": "roles"}
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/oauth")]
    assert rules
    for rule in rules:
        assert not re.search("register|clients", rule.rule), rule.rule
        if "POST" in (rule.methods or ()):
            http.post(
                rule.rule, data={**form, "client_id": "app"}, headers={"Authorization": "Basic YXBwOng="}
            )
    assert rows(app, "SELECT * FROM oauth_clients") == before


def test_fault_40_addresses_of_a_client_come_from_the_operator_only(app: Flask) -> None:
    client_row(app, backchannel_uri="https://app.example.com/logout")
    http, evil = app.test_client(), "https://evil.example/"
    form = {"grant_type": "authorization_code", "client_id": "app", "client_secret": SECRET, "code": "x"}
    names = (
        "backchannel_logout_uri",
        "backchannel_uri",
        "frontchannel_logout_uri",
        "post_logout_redirect_uri",
    )
    for path in ("token", "revoke", "introspect"):
        http.post(f"/oauth/{path}", data=form | dict.fromkeys(names, evil) | {"token": "x"})
    shown = asked(app, "clients", "show", "app")
    assert (shown["backchannel_uri"], shown["post_logout_uris"]) == ("https://app.example.com/logout", [])
    assert "evil" not in str(rows(app, "SELECT * FROM oauth_clients"))


def test_policy_and_terms_are_https_links_that_can_be_removed(app: Flask) -> None:
    policy, terms = "https://app.example.com/privacy", "https://app.example.com/terms?v=2"
    made = added(app, "a", *OPTIONS, "--policy-url", policy, "--terms-url", terms)["client"]
    assert (made["policy_uri"], made["terms_uri"]) == (policy, terms)
    assert asked(app, "clients", "show", "a")["policy_uri"] == policy
    changed = asked(app, "clients", "set", "a", "--no-policy-url", "--terms-url", policy)
    assert changed["changed"] == ["policy_uri", "terms_uri"]
    assert (changed["client"]["policy_uri"], changed["client"]["terms_uri"]) == (None, policy)
    for option in ("--policy-url", "--terms-url"):
        for wrong in ("http://app.example.com/", "http://localhost/x", "javascript:alert(1)", "/privacy", ""):
            result = auth(app, "clients", "set", "a", option, wrong)
            assert result.exit_code == 1
            assert "must be an https:// URL" in result.stderr
