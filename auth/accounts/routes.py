"""Accounts over HTTP: register, profile, activity, export, deletion, verify."""

from typing import Any

from flask import g

from auth import cookies
from auth.accounts import activity, data_export, deletion, export_output, outputs, profile, registration
from auth.accounts.inputs import Page, Profile, Registration
from auth.blueprint import auth_bp
from auth.mailing.inputs import LINK_REFUSALS, Link
from auth.outputs import Message, OneUser, message, user
from utils.auth_helpers import allow_enrollment, jwt_required
from utils.services import services
from utils.web.cursors import read_cursor
from utils.web.http import answers, client_info, limited, unlimited
from utils.web.validation import takes, takes_query


@auth_bp.post("/register")
@answers(
    201,
    outputs.Registered,
    also=(202, Message),
    errors=("username_taken", "email_taken", "account_taken", "busy"),
)
@limited("register")
@takes(Registration)
def register(form: Registration) -> Any:
    """Create an account.

    With `username_from_email` instead of a `username`, the server makes a free name from
    the address. Where it is hidden who has an account, the answer is a 202 for new and taken
    addresses alike, and a mail says the rest.
    """
    account = registration.register(
        services(),
        username=form.username,
        email=form.email,
        password=form.password.get_secret_value(),
        terms_accepted=form.terms_accepted,
        client=client_info(),
    )
    return outputs.registered(account) if account else (message("register"), 202)


@auth_bp.get("/me")
@answers(200, outputs.Me)
@limited("reads")
@jwt_required
@allow_enrollment
def me() -> Any:
    """Read the signed-in user, and when they last proved who they are."""
    principal = g.principal
    return outputs.me(principal.account, principal.auth_time, enrollment_only=principal.scope is not None)


@auth_bp.patch("/me")
@answers(200, OneUser, errors=("session_required", "username_taken"))
@limited("account-changes")
@jwt_required
@takes(Profile)
def change_me(form: Profile) -> Any:
    """Change the user name. Its owner is told by mail."""
    if form.username is None:
        return user(g.principal.account)
    return user(profile.rename(services(), g.principal, form.username, client_info()))


@auth_bp.delete("/me")
@answers(202, outputs.Leaving, errors=("session_required", "reauth_required"))
@limited("account-changes")
@jwt_required
def leave() -> Any:
    """Close the account at once, and erase it after 14 days unless its owner restores it.

    Wants a sign-in younger than 10 minutes. The link that restores it is mailed.
    """
    due = deletion.request(services(), g.principal, client_info())
    cookies.delete_refresh_cookie()
    return outputs.leaving(due)


@auth_bp.post("/me/restore")
@answers(200, Message, errors=LINK_REFUSALS)
@limited("links")
@takes(Link)
def restore(form: Link) -> Any:
    """Keep an account that was to be erased, with the link that was mailed."""
    deletion.restore(services(), form.token, client_info())
    return message("restore")


@auth_bp.get("/me/export")
@answers(200, export_output.Export, errors=("session_required", "reauth_required"))
@limited("account-changes")
@jwt_required
def export() -> Any:
    """Take along all that is stored about oneself. Wants a sign-in younger than 10 minutes."""
    found = data_export.export(services(), g.principal, client_info())
    return export_output.export(
        found.user,
        sessions=found.sessions,
        devices=found.devices,
        authenticators=found.authenticators,
        recovery_codes=found.recovery_codes,
        passkeys=found.passkeys,
        challenges=found.challenges,
        links=found.links,
        mails=found.mails,
        events=found.events,
    )


# No OPTIONS: to a proxy that asks by the caller's own method, its 200 would be a yes to everybody.
@auth_bp.get("/verify", provide_automatic_options=False)
@answers(204)
@unlimited("a proxy asks it for every request that it passes on, always from the same address")
@jwt_required
def verify() -> Any:
    """Ask whether a token is good, for a proxy or another service.

    The answer has no body; its headers `X-Auth-User-Id` and `X-Auth-Username`
    (percent-encoded) say whose the token is.
    """
    return outputs.verified(g.principal.account)


@auth_bp.get("/me/activity")
@answers(200, outputs.Activity)
@limited("reads")
@jwt_required
@takes_query(Page)
def my_activity(page: Page) -> Any:
    """Read what happened to one's account, the newest first."""
    before = read_cursor(page.cursor) if page.cursor else None
    return outputs.activity(*activity.page(services(), g.principal, before, page.limit))
