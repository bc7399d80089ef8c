"""The mail at the first consent to an app."""

from flask import Flask
from flask.testing import FlaskClient

from tests.support import mailbox
from tests.support.authorization_requests import authorization_query, decided
from tests.support.oauth import client_row
from tests.support.oauth_apps import DAY, consent_row, grant_row
from tests.support.requests import confirm_addresses, post
from tests.support.sent_mail import connect_app
from tests.support.service import START, me, rows, signed_in


def written(app: Flask) -> int:
    return len(rows(app, "SELECT id FROM outbox WHERE template = 'app_connected'"))


def test_owner_is_mailed_the_app_with_a_link_that_undoes_it(app: Flask, client: FlaskClient) -> None:
    token = signed_in(client)["access_token"]
    confirm_addresses(app)
    connect_app(app, "grafana", name="Grafana")
    mail = mailbox.newest(app, "app_connected", "ada@example.com")
    text = mailbox.text_of(mail)
    assert 'The app "Grafana" was allowed to use your account' in text
    assert "Device: Firefox 145" in text
    assert "Grafana" not in str(mail["Subject"])
    link = mailbox.token_in(mail)
    assert post(app.test_client(), "sessions/disown", token=link).status_code == 200
    assert me(client, token).status_code == 401


def test_trusted_app_causes_no_mail(app: Flask, client: FlaskClient) -> None:
    signed_in(client)
    connect_app(app, trusted=True)
    assert written(app) == 0


def test_first_consent_is_mailed_and_a_repeated_one_is_not(app: Flask, client: FlaskClient) -> None:
    token = signed_in(client)["access_token"]
    client_row(app)
    for times, changes in enumerate(({}, {"prompt": "consent"}, {"scope": "openid profile"})):
        assert decided(client, authorization_query(**changes), token)["status"] == "redirect"
        assert written(app) == 1, times
    assert client.delete("/auth/apps/app", headers={"Authorization": f"Bearer {token}"}).status_code == 204
    decided(client, authorization_query(), token)
    assert written(app) == 2


def test_refused_app_causes_no_mail(app: Flask, client: FlaskClient) -> None:
    token = signed_in(client)["access_token"]
    client_row(app)
    decided(client, authorization_query(), token, allow=False)
    assert written(app) == 0


def test_link_of_the_mail_ends_the_access_and_forgets_the_consent(app: Flask, client: FlaskClient) -> None:
    signed_in(client)
    confirm_addresses(app)
    client_row(app, "old")
    consent_row(app, "old", granted_at=START - 8 * DAY)
    connect_app(app, "intruder")
    consent_row(app, "intruder")
    for name in ("old", "intruder"):
        grant_row(app, name, offline=True)
    link = mailbox.token_in(mailbox.newest(app, "app_connected", "ada@example.com"))
    assert post(client, "sessions/disown", token=link).status_code == 200
    assert rows(app, "SELECT id FROM oauth_grants WHERE ended_at IS NULL") == []
    assert [row["client_id"] for row in rows(app, "SELECT client_id FROM oauth_consents")] == ["old"]
