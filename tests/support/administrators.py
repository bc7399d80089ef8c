"""Accounts as actors, and the refusals of their acts."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Flask

from auth.roles.actors import Administrator
from auth.stores import sessions
from tests.support.service import rows
from utils.client_info import ClientInfo
from utils.errors import ApiError
from utils.services import Principal, services

CLIENT = ClientInfo("203.0.113.7", "Firefox", "1" * 16)


def administrator(app: Flask, user_id: int) -> Administrator:
    """The account as an actor, from its latest session."""
    sql = "SELECT id, auth_time FROM sessions WHERE user_id = :user_id AND ended_at IS NULL"
    session = rows(app, sql, user_id=user_id)[-1]
    with app.app_context():
        found = services()
        session_id = UUID(str(session["id"]))
        admitted = sessions.admitted(found.reads, session_id, user_id, found.clock.now())
        assert admitted
        return Administrator(Principal(user_id, session_id, *admitted), CLIENT)


def refusal(app: Flask, act: Callable[[Any], object]) -> str:
    """Run an act with the services of the app; return the code of its refusal, or an empty text."""
    with app.app_context():
        try:
            act(services())
        except ApiError as problem:
            services().tx().rollback()
            return problem.code
    return ""
