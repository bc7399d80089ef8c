"""Sealed secrets: under the right key and for the right row only, and moved to a new key by command."""

import pytest
from flask import Flask

from tests.conftest import AppFactory
from tests.support.requests import post, said
from tests.support.service import FixedClock, events, execute, rows, signed_in
from tests.support.virtual_authenticator import Authenticator, Owner
from utils.crypto.encryption import DecryptionFailed, Encrypted, decrypt, encrypt
from utils.crypto.keys import key_id

OLD, NEW = "an old master secret of some length", "a new master secret of some length"
SECRET = b"12345678901234567890"


def opened(sealed: Encrypted, *masters: str, label: str = "label", bound_to: bytes = b"1") -> bytes:
    return decrypt(masters, label, sealed, bound_to=bound_to)


def test_what_is_sealed_opens_with_its_key_for_its_row_and_purpose() -> None:
    sealed = encrypt(OLD, "label", SECRET, bound_to=b"1")
    assert opened(sealed, OLD) == opened(sealed, NEW, OLD) == SECRET
    for refused in ({"label": "other"}, {"bound_to": b"2"}):
        with pytest.raises(DecryptionFailed):
            opened(sealed, OLD, **refused)
    for masters in ((), (NEW,)):
        with pytest.raises(DecryptionFailed):
            opened(sealed, *masters)


def test_no_byte_of_it_can_be_changed() -> None:
    sealed = encrypt(OLD, "label", SECRET, bound_to=b"1")
    for place in range(len(sealed.text)):
        changed = bytearray(sealed.text)
        changed[place] ^= 1
        with pytest.raises(DecryptionFailed):
            opened(Encrypted(bytes(changed), sealed.key_id), OLD)
    for short in (b"", sealed.text[:12], sealed.text[:-1]):
        with pytest.raises(DecryptionFailed):
            opened(Encrypted(short, sealed.key_id), OLD)


def test_nonces_do_not_repeat_and_nothing_shows_through() -> None:
    texts = {encrypt(OLD, "label", SECRET, bound_to=b"1").text for _ in range(1000)}
    assert len({text[:12] for text in texts}) == len({text[12:] for text in texts}) == 1000
    assert not any(SECRET in text for text in texts)
    assert {len(text) for text in texts} == {12 + 20 + 16}


@pytest.fixture
def rotated(make_app: AppFactory, clock: FixedClock) -> tuple[Flask, Owner]:
    """The service with a new key, which knows the old one, and an owner from before."""
    owner = Owner(make_app({"FLASK_SECRET_KEY": OLD}).test_client(), clock)
    app = make_app({"FLASK_SECRET_KEY": NEW, "FLASK_PREVIOUS_SECRET_KEYS": OLD})
    owner.client = app.test_client()
    return app, owner


def command(app: Flask, name: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["auth", name])
    return done.exit_code, done.output


def test_a_new_key_keeps_the_apps_that_were_set_up_under_the_old_one(rotated: tuple[Flask, Owner]) -> None:
    assert rotated[1].log_in()


@pytest.mark.both_databases
def test_secrets_are_sealed_anew_by_command(
    rotated: tuple[Flask, Owner], make_app: AppFactory, clock: FixedClock
) -> None:
    app, owner = rotated
    assert "1 TOTP secrets are encrypted under a previous key" in command(app, "doctor")[1]
    assert command(app, "reseal") == (0, "1 re-encrypted, 0 cannot be decrypted with any of the keys.\n")
    assert command(app, "reseal") == (0, "0 re-encrypted, 0 cannot be decrypted with any of the keys.\n")
    assert rows(app, "SELECT key_id FROM totp_factors") == [{"key_id": key_id(NEW)}]
    assert events(app).count("secrets_resealed") == 2
    assert "1 TOTP secrets, all encrypted under the current key" in command(app, "doctor")[1]
    owner.client = make_app({"FLASK_SECRET_KEY": NEW}).test_client()
    clock.advance(1)
    assert owner.log_in()


def test_where_the_key_is_gone_codes_are_refused_and_recovery_codes_are_not(
    make_app: AppFactory, clock: FixedClock
) -> None:
    owner = Owner(make_app({"FLASK_SECRET_KEY": OLD}).test_client(), clock)
    app = make_app({"FLASK_SECRET_KEY": NEW})
    owner.client = app.test_client()
    assert said(owner.second_step(code=owner.phone.next_code())) == (401, "second_factor_invalid")
    reasons = rows(app, "SELECT reason FROM audit_events WHERE event = 'second_factor_refused'")
    assert reasons == [{"reason": "seal_broken"}]
    assert owner.second_step(recovery_code=owner.recovery_codes[0]).status_code == 200
    code, words = command(app, "doctor")
    assert (code, "The key of 1 TOTP secrets is missing" in words) == (1, True)
    code, words = command(app, "reseal")
    assert (code, "1 cannot be decrypted" in words) == (1, True)


def test_a_secret_that_is_moved_to_another_account_does_not_open(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app()
    mine, other = (Owner(app.test_client(), clock, name) for name in ("ada", "grace"))
    (theirs,) = rows(app, "SELECT sealed_secret FROM totp_factors WHERE user_id = 2")
    execute(app, "UPDATE totp_factors SET sealed_secret = :s WHERE user_id = 1", s=theirs["sealed_secret"])
    assert said(mine.second_step(code=other.phone.next_code())) == (401, "second_factor_invalid")
    assert other.log_in()
    assert said(post(mine.client, "totp", mine.access)) == (409, "totp_enabled")


def test_a_key_that_goes_during_a_set_up_asks_for_a_new_one(make_app: AppFactory, clock: FixedClock) -> None:
    before = make_app({"FLASK_SECRET_KEY": OLD}).test_client()
    access = signed_in(before)["access_token"]
    phone = Authenticator(post(before, "totp", access).get_json()["secret"], clock)
    after = make_app({"FLASK_SECRET_KEY": NEW}).test_client()
    confirmed = post(after, "totp/confirm", access, code=phone.code())
    assert said(confirmed) == (409, "totp_not_begun")
    assert post(after, "totp", access).status_code == 200
