"""Passkey management: list, rename, remove, and the effects on the rest of the account."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.authenticator_app import Owner
from tests.support.passkeys import ASKED, INVALID, add, added, log_in, options_of
from tests.support.requests import DAY, MINUTE, NEW, disable, forget, post, said
from tests.support.service import FixedClock, bearer, execute, login, rows, signed_in
from tests.support.soft_passkey import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, SoftPasskey


def test_passkeys_are_listed_renamed_and_removed(
    app: Flask, client: FlaskClient, access: str, clock: FixedClock
) -> None:
    first = added(client, access)
    clock.advance(1)
    second = added(client, access)
    listed = client.get("/auth/passkeys", headers=bearer(access)).get_json()["passkeys"]
    assert [each["name"] for each in listed] == ["Phone", "Phone"]
    path = f"/auth/passkeys/{listed[0]['id']}"
    named = client.patch(path, json={"name": " My key "}, headers=bearer(access))
    assert [each["name"] for each in named.get_json()["passkeys"]] == ["My key", "Phone"]
    assert client.delete(path, headers=bearer(access)).status_code == 204
    assert said(log_in(client, first)) == INVALID
    assert log_in(client, second).status_code == 200
    assert said(client.delete(path, headers=bearer(access))) == (404, "passkey_not_found")
    other = signed_in(app.test_client(), "grace")["access_token"]
    path = f"/auth/passkeys/{listed[1]['id']}"
    assert said(client.delete(path, headers=bearer(other))) == (404, "passkey_not_found")
    assert said(client.patch(path, json={"name": "x"}, headers=bearer(other))) == (404, "passkey_not_found")


def test_removing_the_last_factor_restores_password_only_login(
    app: Flask, client: FlaskClient, access: str
) -> None:
    added(client, access)
    (only,) = client.get("/auth/passkeys", headers=bearer(access)).get_json()["passkeys"]
    assert client.delete(f"/auth/passkeys/{only['id']}", headers=bearer(access)).status_code == 204
    assert login(client).status_code == 200
    assert rows(app, "SELECT * FROM recovery_codes") == []


def test_last_passkey_of_a_passwordless_account_cannot_be_removed(
    app: Flask, client: FlaskClient, access: str
) -> None:
    added(client, access)
    execute(app, "UPDATE users SET password_hash = NULL")
    (only,) = client.get("/auth/passkeys", headers=bearer(access)).get_json()["passkeys"]
    refused = client.delete(f"/auth/passkeys/{only['id']}", headers=bearer(access))
    assert said(refused) == (409, "last_way_in")
    assert len(rows(app, "SELECT id FROM passkeys")) == 1


def test_adding_a_factor_requires_an_existing_factor(client: FlaskClient, clock: FixedClock) -> None:
    owner = Owner(client, clock)
    done = owner.second_step(code=owner.phone.next_code(), trust_device=True).get_json()
    clock.advance(11 * MINUTE)
    mark = {"X-Device-Token": done["device_token"]}
    access = login(client, headers=mark).get_json()["access_token"]
    for path, given in (("passkeys/options", {}), ("totp", {}), ("totp/confirm", {"code": "123456"})):
        assert said(post(client, path, access, **given)) == (403, "reauth_required")
    again = post(client, "reauth", access, code=owner.phone.next_code()).get_json()
    assert post(client, "passkeys/options", again["access_token"]).status_code == 200


def test_passkey_satisfies_step_up_once(
    client: FlaskClient, access: str, passkey: SoftPasskey, clock: FixedClock
) -> None:
    clock.advance(11 * MINUTE)
    assert said(post(client, "passkeys/options", access)) == (403, "reauth_required")
    options = post(client, "reauth/options", access).get_json()["public_key"]
    access = post(client, "reauth", access, passkey=passkey.get(options)).get_json()["access_token"]
    assert post(client, "passkeys/options", access).status_code == 200
    assert said(post(client, "reauth", access, passkey=passkey.get(options))) == (403, "wrong_code")


def test_password_reset_keeps_passkeys_and_the_second_factor_requirement(
    app: Flask, client: FlaskClient, passkey: SoftPasskey
) -> None:
    assert post(app.test_client(), "password/reset", token=forget(app), password=NEW).status_code == 200
    assert said(login(client, password=NEW)) == ASKED
    assert log_in(client, passkey).status_code == 200


def test_passkey_login_is_refused_for_blocked_or_disabled_account(
    app: Flask, client: FlaskClient, passkey: SoftPasskey, clock: FixedClock
) -> None:
    clock.advance(8 * DAY)
    assert log_in(client, passkey).status_code == 200
    link = mailbox.token(app, "new_sign_in")
    assert post(app.test_client(), "sessions/disown", token=link).status_code == 200
    assert said(log_in(client, passkey)) == INVALID
    assert post(app.test_client(), "password/reset", token=forget(app), password=NEW).status_code == 200
    assert log_in(client, passkey).status_code == 200
    disable(app)
    assert said(log_in(client, passkey)) == INVALID


def test_passkey_login_by_cookie_requires_same_origin(client: FlaskClient, passkey: SoftPasskey) -> None:
    proof = passkey.get(options_of(client))
    body = {"credential": proof, "token_delivery": "cookie"}
    path, same = "/auth/login/passkey", {"Sec-Fetch-Site": "same-origin"}
    elsewhere = client.post(path, json=body, headers={"Sec-Fetch-Site": "cross-site"})
    assert said(elsewhere) == (403, "cross_site_refused")
    assert elsewhere.headers.getlist("Set-Cookie") == []
    done = client.post(path, json=body, headers=same)
    assert done.status_code == 200
    assert "refresh_token" not in done.get_json()
    assert [cookie for cookie in done.headers.getlist("Set-Cookie") if cookie.startswith("__Host-refresh=")]


def test_passkey_rp_id_and_origin_come_from_public_url(make_app: AppFactory) -> None:
    app = make_app({"PUBLIC_URL": "https://auth.example.com"})
    client = app.test_client()
    access = signed_in(client)["access_token"]
    options = post(client, "passkeys/options", access).get_json()["public_key"]
    assert options["rp"]["id"] == "auth.example.com"
    made = SoftPasskey().create(options, origin="https://auth.example.com")
    assert post(client, "passkeys", access, credential=made).status_code == 201


def test_passkey_backup_state_is_stored(app: Flask, client: FlaskClient, access: str) -> None:
    passkey = SoftPasskey()
    answer, _ = add(client, access, passkey, flags=PRESENT | VERIFIED | ELIGIBLE)
    assert answer.get_json()["passkey"]["backed_up"] is False
    assert log_in(client, passkey, flags=PRESENT | VERIFIED | ELIGIBLE | BACKED_UP).status_code == 200
    assert rows(app, "SELECT backup_eligible, backed_up FROM passkeys")[0]["backed_up"]


def test_passkey_proof_replaces_recovery_codes_and_removes_totp(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    owner = Owner(client, clock)
    passkey = added(client, owner.access)

    def proof() -> dict[str, Any]:
        return passkey.get(post(client, "reauth/options", owner.access).get_json()["public_key"])

    made = post(client, "recovery-codes", owner.access, passkey=proof())
    assert len(made.get_json()["recovery_codes"]) == 10
    off = client.delete("/auth/totp", json={"passkey": proof()}, headers=bearer(owner.access))
    assert said(off) == (200, "")
    again = {"recovery_code": made.get_json()["recovery_codes"][0]}
    nothing = client.delete("/auth/totp", json=again, headers=bearer(owner.access))
    assert said(nothing) == (409, "two_factor_off")
    assert "still work" in mailbox.text_of(mailbox.newest(app, "two_factor_disabled"))
    assert rows(app, "SELECT recovery_codes_left AS n FROM users")[0]["n"] == 10  # it is not used up


def test_passkey_name_with_control_characters_is_refused(
    client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    assert passkey
    (only,) = client.get("/auth/passkeys", headers=bearer(access)).get_json()["passkeys"]
    for name in ("a\0b", "a\nb", "\u202eabc"):
        answer = client.patch(f"/auth/passkeys/{only['id']}", json={"name": name}, headers=bearer(access))
        assert said(answer) == (400, "validation_failed")


def test_passkey_step_up_without_a_passkey_is_a_409(client: FlaskClient, clock: FixedClock) -> None:
    owner = Owner(client, clock)
    assert said(post(client, "reauth/options", owner.access)) == (409, "no_passkeys")
