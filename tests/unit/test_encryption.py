"""Encrypted secrets: bound to key, row and purpose, and re-encrypted by command."""

import pytest
from flask import Flask

from tests.conftest import AppFactory
from tests.support.authenticator_app import Authenticator, Owner
from tests.support.requests import post, said
from tests.support.service import FixedClock, events, execute, rows, signed_in
from utils.crypto.encryption import DecryptionFailed, Encrypted, decrypt, encrypt
from utils.crypto.keys import key_id

OLD, NEW = "an old master secret of some length", "a new master secret of some length"
SECRET = b"12345678901234567890"


def opened(sealed: Encrypted, *masters: str, label: str = "label", bound_to: bytes = b"1") -> bytes:
    return decrypt(masters, label, sealed, bound_to=bound_to)


def test_secret_decrypts_only_with_its_key_row_and_purpose() -> None:
    sealed = encrypt(OLD, "label", SECRET, bound_to=b"1")
    assert opened(sealed, OLD) == opened(sealed, NEW, OLD) == SECRET
    for refused in ({"label": "other"}, {"bound_to": b"2"}):
        with pytest.raises(DecryptionFailed):
            opened(sealed, OLD, **refused)
    for masters in ((), (NEW,)):
        with pytest.raises(DecryptionFailed):
            opened(sealed, *masters)


def test_altered_ciphertext_is_refused() -> None:
    sealed = encrypt(OLD, "label", SECRET, bound_to=b"1")
    for place in range(len(sealed.text)):
        changed = bytearray(sealed.text)
        changed[place] ^= 1
        with pytest.raises(DecryptionFailed):
            opened(Encrypted(bytes(changed), sealed.key_id), OLD)
    for short in (b"", sealed.text[:12], sealed.text[:-1]):
        with pytest.raises(DecryptionFailed):
            opened(Encrypted(short, sealed.key_id), OLD)


def test_nonces_and_ciphertexts_are_unique() -> None:
    texts = {encrypt(OLD, "label", SECRET, bound_to=b"1").text for _ in range(1000)}
    assert len({text[:12] for text in texts}) == len({text[12:] for text in texts}) == 1000
    assert not any(SECRET in text for text in texts)
    assert {len(text) for text in texts} == {12 + 20 + 16}


@pytest.fixture
def rotated(make_app: AppFactory, clock: FixedClock) -> tuple[Flask, Owner]:
    """Return the service with a new key and the old one as previous, and an owner enrolled before."""
    owner = Owner(make_app({"FLASK_SECRET_KEY": OLD}).test_client(), clock)
    app = make_app({"FLASK_SECRET_KEY": NEW, "FLASK_PREVIOUS_SECRET_KEYS": OLD})
    owner.client = app.test_client()
    return app, owner


def command(app: Flask, name: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["auth", name])
    return done.exit_code, done.output


def test_totp_enrolled_under_the_previous_key_works(rotated: tuple[Flask, Owner]) -> None:
    assert rotated[1].log_in()


@pytest.mark.both_databases
def test_reseal_command_encrypts_secrets_with_the_new_key(
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


def test_missing_key_refuses_totp_codes_but_not_recovery_codes(
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


def test_secret_copied_to_another_account_does_not_decrypt(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app()
    mine, other = (Owner(app.test_client(), clock, name) for name in ("ada", "grace"))
    (theirs,) = rows(app, "SELECT sealed_secret FROM totp_factors WHERE user_id = 2")
    execute(app, "UPDATE totp_factors SET sealed_secret = :s WHERE user_id = 1", s=theirs["sealed_secret"])
    assert said(mine.second_step(code=other.phone.next_code())) == (401, "second_factor_invalid")
    assert other.log_in()
    assert said(post(mine.client, "totp", mine.access)) == (409, "totp_enabled")


def test_key_lost_during_enrollment_requires_a_new_enrollment(
    make_app: AppFactory, clock: FixedClock
) -> None:
    before = make_app({"FLASK_SECRET_KEY": OLD}).test_client()
    access = signed_in(before)["access_token"]
    phone = Authenticator(post(before, "totp", access).get_json()["secret"], clock)
    after = make_app({"FLASK_SECRET_KEY": NEW}).test_client()
    confirmed = post(after, "totp/confirm", access, code=phone.code())
    assert said(confirmed) == (409, "totp_not_begun")
    assert post(after, "totp", access).status_code == 200
