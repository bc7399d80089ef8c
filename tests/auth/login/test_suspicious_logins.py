"""Mails about logins that follow many wrong passwords (ASVS 6.3.5)."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.login.brute_force import SUSPICIOUS_FAILURES
from tests.support import mailbox
from tests.support.authenticator_app import Owner
from tests.support.requests import post, said
from tests.support.service import PASSWORD, FixedClock, login, me, register

pytestmark = pytest.mark.both_databases(nightly=True)


def try_passwords(client: FlaskClient, device: str, wrong: int) -> str:
    """Log in from this device after so many wrong passwords; return the access token."""
    headers = {"X-Device-Token": device}
    for _ in range(wrong):
        assert login(client, password="wrong password", headers=headers).status_code == 401
    return str(login(client, headers=headers).get_json()["access_token"])


@pytest.mark.both_databases(slow=True)
def test_login_after_ten_wrong_passwords_from_a_known_device_is_mailed(
    app: Flask, client: FlaskClient
) -> None:
    register(client)
    device = login(client).get_json()["device_token"]
    try_passwords(client, device, SUSPICIOUS_FAILURES - 1)
    assert mailbox.mails(app, "sign_in_after_failures") == []
    access = try_passwords(client, device, SUSPICIOUS_FAILURES)
    try_passwords(client, device, 0)
    assert len(mailbox.mails(app, "sign_in_after_failures")) == 1
    link = mailbox.token(app, "sign_in_after_failures")
    assert post(client, "sessions/disown", token=link).status_code == 200
    assert me(client, access).status_code == 401
    assert login(client, password=PASSWORD).status_code == 401


def test_login_after_wrong_passwords_of_others_is_no_news(app: Flask, client: FlaskClient) -> None:
    register(client)
    device = login(client).get_json()["device_token"]
    for _ in range(SUSPICIOUS_FAILURES):
        login(client, password="wrong password")
    try_passwords(client, device, 0)
    assert mailbox.mails(app, "sign_in_after_failures") == []


@pytest.mark.parametrize("known", [True, False])
def test_right_password_without_the_second_factor_is_mailed_and_not_called_a_login(
    app: Flask, client: FlaskClient, clock: FixedClock, *, known: bool
) -> None:
    owner = Owner(client, clock)
    headers = {"X-Device-Token": owner.log_in()["device_token"]} if known else {}
    for _ in range(SUSPICIOUS_FAILURES):
        assert login(client, password="wrong password", headers=headers).status_code == 401
    for _ in range(2):
        assert said(login(client, headers=headers)) == (401, "second_factor_required")
    [mail] = mailbox.mails(app, "sign_in_after_failures")
    told = mailbox.text_of(mail)
    assert "The right password" in told
    assert "logged in to" not in told
    assert ("a device that is new to the account" in told) is not known
