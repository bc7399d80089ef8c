"""Formats of issued tokens (mails, cookies, apps) are stable across releases."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from flask import Flask

from app import create_app
from auth import tokens
from config import Settings, TestingConfig
from models import AuthChallenge, OneTimeToken, SessionState
from utils.services import services

ID = UUID(int=0x1234567890ABCDEF1234567890ABCDEF)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SESSION = SessionState(
    id=ID,
    user_id=7,
    secret=b"s" * 32,
    generation=3,
    remembered=True,
    rotated_at=None,
    idle_end=NOW,
    absolute_end=NOW,
    ended_at=None,
    auth_time=NOW,
)
# Made by release 0.1.0 with FLASK_SECRET_KEY "f" * 40.
REFRESH = "ARI0VniQq83vEjRWeJCrze8AAAAAAAAAA-dMb8sM02ptCE_bYaPDYkayDKraAca0ueuZ2iWzayKz"
ONE_TIME = "EjRWeJCrze8SNFZ4kKvN73rFisukSW3w9xLh6_dTPjruB2cBTER-ajmQmZwKsSGM"
CHALLENGE = "EjRWeJCrze8SNFZ4kKvN727KGoiCBG2Kq0A07k4m_OQoYd7btch9JiTmthFmQkGz"
DEVICE = "EjRWeJCrze8SNFZ4kKvN7wNotJtZ8Ov_8-94iq6VDtkMFDIwAzpavISBZB_2RAfR"


@pytest.fixture
def app() -> Flask:
    keys = {"FLASK_SECRET_KEY": "f" * 40, "JWT_SECRET_KEY": "j" * 40}
    return create_app(settings=Settings.load(TestingConfig, keys))


def test_tokens_have_the_format_of_the_first_release(app: Flask) -> None:
    link = OneTimeToken(id=ID, purpose="reset", nonce=b"n" * 16)
    challenge = AuthChallenge(id=ID, user_id=7, nonce=b"n" * 16)
    with app.app_context():
        refresh = tokens.read_refresh(REFRESH)
        assert refresh is not None
        assert tokens.is_genuine(services(), refresh, SESSION)
        assert tokens.one_time(services(), link) == ONE_TIME
        assert tokens.is_genuine_one_time(services(), ONE_TIME, link)
        assert tokens.challenge(services(), challenge) == CHALLENGE
        assert tokens.is_genuine_challenge(services(), CHALLENGE, challenge)
        assert tokens.device_token(services(), ID) == DEVICE
        assert tokens.read_device_token(services(), DEVICE) == ID


def test_a_token_of_one_purpose_is_refused_for_another(app: Flask) -> None:
    link = OneTimeToken(id=ID, purpose="reset", nonce=b"n" * 16)
    with app.app_context():
        assert tokens.read_device_token(services(), ONE_TIME) is None
        assert not tokens.is_genuine_one_time(services(), CHALLENGE, link)
        assert not tokens.is_genuine_one_time(services(), DEVICE, link)
