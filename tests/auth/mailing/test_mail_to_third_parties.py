"""Mail that a caller can trigger to other people's addresses: information leaks, volume and content."""

import re

from flask import Flask
from flask.testing import FlaskClient

from tests.support import mailbox
from tests.support.requests import HOUR, MINUTE, NEW, asked, confirmed, forget, moved, post, said
from tests.support.service import (
    PASSWORD,
    FixedClock,
    bearer,
    execute,
    login,
    refresh,
    register,
    rows,
    signed_in,
)

ADDRESS = "new@example.com"


def test_caller_cannot_observe_that_a_new_address_is_taken(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    """Covers the export's links and mails, and the caller's own mail limit."""
    register(client, "grace")
    assert moved(app, signed_in(client, "eve")["access_token"]).status_code == 200
    seen, told = [], ("template", "attempts", "last_error", "sent_at", "given_up_at")
    # Free; taken, and spelled otherwise; reserved.
    for number, email in enumerate(("free@example.com", "GRACE@example.com", "eve@example.com")):
        name = f"mallory{number}"
        access = signed_in(client, name)["access_token"]
        with asked(app) as statements:
            assert post(client, "email/change", access, email=email).status_code == 202
        mailbox.deliver(app)
        export = client.get("/auth/me/export", headers=bearer(access)).get_json()
        shown = [
            (link["purpose"], link["email"] == email, link["used_at"], link["expires_at"])
            for link in sorted(export["links"], key=str)
        ]
        written = [
            (mail["recipient"] == email, [mail[name] for name in told], [*mail["facts"]])
            for mail in export["mails"]
        ]
        happened = [(event["event"], event["reason"], event["count"]) for event in export["events"]]
        for own in range(3):
            post(client, "email/change", access, email=f"own{own}-{number}@example.com")
        mine = [to for _, to in mailbox.sent(app) if re.fullmatch(rf"own.-{number}@example.com", to)]
        seen.append((statements, sorted(shown, key=str), written, happened, len(mine)))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][-1] == 2


def test_mail_limit_of_an_address_is_shared_by_all_callers(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    for number in range(3):
        access = signed_in(client, f"mallory{number}")["access_token"]
        for _ in range(2):
            post(client, "email/change", access, email=ADDRESS)
    assert len(mailbox.mails(app, to=ADDRESS)) == 3
    clock.advance(HOUR)
    post(client, "email/change", signed_in(client, "mallory")["access_token"], email=ADDRESS)
    assert len(mailbox.mails(app, to=ADDRESS)) == 4


def test_registrant_cannot_flood_an_unconfirmed_address_or_inject_a_link(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    register(client, "www.evil.example", email="victim@example.com")
    access = login(client, "www.evil.example").get_json()["access_token"]
    passwords = [PASSWORD, *(f"{NEW} {number}" for number in range(6))]
    for number in range(6):
        named = {"username": f"www.evil{number}.example"}
        assert client.patch("/auth/me", json=named, headers=bearer(access)).status_code == 200
        again = {"current_password": passwords[number], "new_password": passwords[number + 1]}
        assert post(client, "password/change", access, **again).status_code == 200
        stolen = login(client, f"www.evil{number}.example", passwords[number + 1]).get_json()["refresh_token"]
        second = refresh(client, stolen).get_json()["refresh_token"]
        clock.advance(60)
        refresh(client, second)
        assert said(refresh(client, stolen)) == (401, "refresh_token_reused")
        post(client, "password/forgot", email="victim@example.com")
        mailbox.deliver(app)
    post(client, "email/change", access, email="evil@example.com")
    proof = mailbox.token(app, "change_email")
    assert post(client, "email/verify", access, token=proof).status_code == 200  # tells the old address
    templates = [template for template, to in mailbox.sent(app) if to == "victim@example.com"]
    assert templates == ["verify_email", "new_sign_in", "username_changed", "email_changed"]
    for mail in mailbox.mails(app, to="victim@example.com"):
        assert mailbox.text_of(mail).split("\n\n")[1] == "Hello,"
        assert ".example," not in mail.as_string()
        assert "www." not in mail.as_string()


def test_unproven_address_gets_three_mails_an_hour_of_all_kinds_and_accounts(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    others = [signed_in(client, f"mallory{number}")["access_token"] for number in range(2)]
    mailbox.deliver(app)

    def ask() -> None:
        """Cause every kind of mail that other persons can cause, in turn, and a notification."""
        for access in others:
            post(client, "email/change", access, email=ADDRESS)
        for path in ("email/resend", "password/forgot"):
            post(client, path, email=ADDRESS)
        access = login(client, "eve").get_json()["access_token"]
        client.patch("/auth/me", json={"username": "eve"}, headers=bearer(access))
        mailbox.deliver(app)

    post(client, "email/change", others[0], email=ADDRESS)
    mailbox.deliver(app)
    register(client, "eve", email=ADDRESS.upper().replace("EXAMPLE.COM", "example.com"))
    for _ in range(4):
        clock.advance(2 * MINUTE)
        ask()
    assert [template for template, to in mailbox.sent(app) if to.lower() == ADDRESS] == [
        "change_email",
        "verify_email",
        "address_taken",
    ]
    clock.advance(HOUR)
    ask()
    assert len([to for _, to in mailbox.sent(app) if to.lower() == ADDRESS]) == 6


def test_security_notice_to_an_unproven_address_is_not_held_back(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    for _ in range(4):
        post(client, "password/forgot", email="ada@example.com")
    assert len(mailbox.mails(app, to="ada@example.com")) == 3
    assert client.delete("/auth/me", headers=bearer(access)).status_code == 202
    assert mailbox.sent(app)[-1] == ("deletion_requested", "ada@example.com")


def test_mail_of_an_operators_command_is_not_held_back(app: Flask, client: FlaskClient) -> None:
    for number in range(3):
        access = signed_in(client, f"mallory{number}")["access_token"]
        post(client, "email/change", access, email=ADDRESS)
    given = ["auth", "create-user", "--username", "eve", "--email", ADDRESS, "--password-stdin"]
    assert app.test_cli_runner().invoke(args=given, input=f"{PASSWORD}\n").exit_code == 0
    # The links were asked for while the address was free; it has an account when they are delivered.
    assert [template for template, to in mailbox.sent(app) if to == ADDRESS] == [
        *["address_taken"] * 3,
        "verify_email",
    ]


def test_address_that_is_registered_and_left_again_and_again_is_told_so_three_times_an_hour(
    app: Flask, client: FlaskClient
) -> None:
    for number in range(5):
        assert register(client, f"mallory{number}", email=ADDRESS).status_code == 201
        access = login(client, f"mallory{number}").get_json()["access_token"]
        assert moved(app, access, f"mallory{number}@example.com").status_code == 200
    told = [template for template, to in mailbox.sent(app) if to == ADDRESS]
    assert told.count("email_changed") == 3


def test_mail_to_a_confirmed_address_does_not_count_with_mail_to_an_unproven_one(
    app: Flask, client: FlaskClient
) -> None:
    register(client)
    for _ in range(3):
        post(client, "email/resend", email="ada@example.com")
    post(client, "email/verify", token=mailbox.token(app, "verify_email"), password=PASSWORD)
    before = rows(app, "SELECT * FROM rate_limits ORDER BY key")
    access = login(client).get_json()["access_token"]
    for number in range(4):
        client.patch("/auth/me", json={"username": f"ada{number}"}, headers=bearer(access))
    told = [template for template, _ in mailbox.sent(app)][3:]
    assert told == ["new_sign_in", *["username_changed"] * 4]
    assert forget(app)
    shared = "SELECT * FROM rate_limits WHERE key LIKE 'mail:%' ORDER BY key"
    assert rows(app, shared) == before


def test_confirmed_owner_gets_every_notice_addressed_by_name(app: Flask, client: FlaskClient) -> None:
    confirmed(app)
    access = login(client).get_json()["access_token"]
    for number in range(5):
        client.patch("/auth/me", json={"username": f"ada{number}"}, headers=bearer(access))
    heard = [mailbox.text_of(mail).split("\n\n")[1] for mail in mailbox.mails(app, "username_changed")]
    assert heard == [f"Hello ada{number}," for number in range(5)]


def test_address_taken_mail_omits_the_name_of_an_unconfirmed_account(app: Flask, client: FlaskClient) -> None:
    register(client, "www.evil.example", email="victim@example.com")
    access = signed_in(client, "mallory")["access_token"]
    post(client, "email/change", access, email="victim@example.com")
    text = mailbox.text_of(mailbox.newest(app, "address_taken", "victim@example.com"))
    assert text.split("\n\n")[1] == "Hello,"


def test_password_change_cancels_a_pending_address_change(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    post(client, "email/change", access, email=ADDRESS)
    again = {"current_password": PASSWORD, "new_password": NEW}
    assert post(client, "password/change", access, **again).status_code == 200
    # An intruder may have requested the change, so the waiting mail is not sent.
    assert mailbox.mails(app, "change_email") == []


def test_link_with_another_nonce_is_unknown(app: Flask, client: FlaskClient) -> None:
    confirmed(app)
    token = forget(app)
    execute(app, "UPDATE one_time_tokens SET nonce = :other", other=b"0" * 16)
    assert said(post(client, "password/reset/check", token=token)) == (404, "token_unknown")
