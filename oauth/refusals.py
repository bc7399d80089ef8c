"""Refused calls of clients, for operators: the reasons, and their record."""

from enum import StrEnum


class Step(StrEnum):
    """The step of a login at which a call was refused."""

    AUTHORIZE = "authorize"
    TOKEN = "token"
    USERINFO = "userinfo"
    REVOKE = "revoke"
    INTROSPECT = "introspect"
    LOGOUT = "logout"
