"""Accounts over HTTP: register, profile, activity, export, deletion, verify."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from flask import g, request

from auth import cookies
from auth.accounts import activity, data_export, deletion, export_output, outputs, profile, registration
from auth.accounts.inputs import Page, Profile, Registration
from auth.blueprint import auth_bp
from auth.errors import ExportTooLarge
from auth.mailing.inputs import LINK_REFUSALS, Link
from auth.outputs import Message, OneUser, message, user
from auth.roles.unknown import warn_of_unknown
from auth.sessions import guarded_sites
from auth.tokens import SIGN_UP_LIFETIME
from utils.auth_helpers import allow_enrollment, jwt_required, reads_roles, requires_of_call
from utils.errors import Unauthorized
from utils.services import Claims, in_app_context, services
from utils.web.cookies import refuse_cross_site
from utils.web.cursors import read_cursor
from utils.web.http import answers, client_info, limited, reads_header, unlimited
from utils.web.languages import asked_language
from utils.web.nonce import returns_nonce
from utils.web.permission_query import asked_permissions
from utils.web.spooling import SpoolLimits, spooled
from utils.web.validation import takes, takes_query

P = ParamSpec("P")
R = TypeVar("R")

EXPORT_LIMITS = SpoolLimits(
    size=data_export.MAX_BYTES,
    write_seconds=data_export.WRITE_SECONDS,
    send_seconds=data_export.SEND_SECONDS,
    too_large=ExportTooLarge,
)


@auth_bp.post("/register")
@answers(
    201,
    outputs.Registered,
    also=(202, Message),
    errors=(
        "username_taken",
        "email_taken",
        "account_taken",
        "challenge_required",
        "cross_site_refused",
        "busy",
    ),
)
@limited("register")
@takes(Registration)
def register(form: Registration) -> Any:
    """Create an account.

    With `username_from_email` instead of a `username`, the server generates a free name from the address.
    With `HIDE_ACCOUNT_EXISTENCE` the response is a 202 for new and existing addresses, and the mail differs.

    Mails are in the language of the cookie of the screens or of `Accept-Language`, until the account chooses
    another (`PATCH /auth/me`).

    There is no session. For pages of the same origin, `token_delivery: cookie` sets the cookie
    `__Host-signup`, with which `POST /auth/email/verify` logs in without the password.
    """
    by_cookie = form.token_delivery == "cookie"
    if by_cookie:
        refuse_cross_site()
    done = registration.register(
        services(),
        username=form.username,
        email=form.email,
        password=form.password.get_secret_value(),
        terms_accepted=form.terms_accepted,
        challenge_response=form.challenge_response,
        next_address=form.next,
        locale=language.tag if (language := asked_language()) else None,
        client=client_info(),
    )
    if by_cookie:
        cookies.set_sign_up_cookie(done.sign_up, int(SIGN_UP_LIFETIME.total_seconds()))
    return outputs.registered(done.account) if done.account else (message("register"), 202)


@auth_bp.get("/me")
@answers(200, outputs.Me)
@limited("reads")
@jwt_required
@allow_enrollment
@reads_roles
def me() -> Any:
    """Return the logged-in user, their roles and permissions, and the time of their last authentication."""
    principal = g.principal
    return outputs.me(
        principal.account,
        principal.auth_time,
        roles=principal.roles,
        permissions=principal.permissions,
        enrollment_only=principal.scope is not None,
    )


@auth_bp.patch("/me")
@answers(200, OneUser, errors=("session_required", "reauth_required", "username_taken", "too_many_usernames"))
@limited("account-changes")
@jwt_required
@takes(Profile)
def change_me(form: Profile) -> Any:
    """Change the user name, the language of the account's mails, or both.

    For a new user name a login within the last 10 minutes is required. The owner is notified by mail, and the
    old name is kept for them for 90 days. Mails without a `locale` are in the language of the sign-up.
    """
    given = form.model_fields_set
    return user(
        profile.change(
            services(),
            g.principal,
            username=form.username,
            locale=form.locale if "locale" in given else profile.UNCHANGED,
            client=client_info(),
        )
    )


@auth_bp.delete("/me")
@answers(202, outputs.Leaving, errors=("session_required", "reauth_required", "last_administrator"))
@limited("account-changes")
@jwt_required
def leave() -> Any:
    """Close the account, and erase it after 14 days unless the owner restores it.

    Requires a login within the last 10 minutes. A link to restore it is mailed.
    """
    due = deletion.request(services(), g.principal, client_info())
    cookies.delete_session_cookies()
    return outputs.leaving(due)


@auth_bp.post("/me/restore")
@answers(200, Message, errors=LINK_REFUSALS)
@limited("links")
@takes(Link)
def restore(form: Link) -> Any:
    """Restore an account that is scheduled for erasure, with the mailed link."""
    deletion.restore(services(), form.token, client_info())
    return message("restore")


@auth_bp.get("/me/export")
@answers(
    200,
    export_output.Export,
    errors=("session_required", "reauth_required", "export_running", "export_too_large", "busy"),
)
@limited("account-changes")
@jwt_required
def export() -> Any:
    """Export all data stored about the account. Requires a login within the last 10 minutes.

    An account has one export at a time. It must be read within 60 seconds.
    """
    running = data_export.start(services(), g.principal, client_info())
    end = in_app_context(data_export.end, services(), running)
    sections = data_export.sections(services(), running)
    pieces = export_output.pieces(sections, EXPORT_LIMITS.size)
    return spooled(pieces, end, EXPORT_LIMITS)


def _claims_of_cookie() -> Claims | None:
    return guarded_sites.claims(services(), cookies.verify_cookie(), _held_request())


def _names_login_page(view: Callable[P, R]) -> Callable[P, R]:
    """Add the address of the login page to a 401 of a call without an Authorization header. Decorator."""

    @functools.wraps(view)
    def naming(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return view(*args, **kwargs)
        except Unauthorized as refusal:
            address = guarded_sites.login_address(services().settings, _held_request())
            if address and "Authorization" not in request.headers:
                refusal.headers["Location"] = address
            raise

    return naming


def _held_request() -> guarded_sites.HeldRequest:
    """Return what the proxy says of the request that it holds."""
    return guarded_sites.HeldRequest(
        method=request.headers.get("X-Original-Method"),
        url=request.headers.get("X-Original-URL"),
        origin=request.headers.get("X-Original-Origin"),
    )


# No OPTIONS: a proxy that forwards the client's method would take its 200 for a valid token.
@auth_bp.get("/verify", provide_automatic_options=False)
@answers(204, errors=("permission_missing", "reauth_required"))
@unlimited("a proxy asks it for every request that it passes on, always from the same address")
@reads_header("X-Original-Method", "The method of the request to the site; needed with the cookie.")
@reads_header("X-Original-URL", "The URL of that request.")
@reads_header("X-Original-Origin", "The `Origin` of that request; needed with the cookie unless it reads.")
@returns_nonce
@_names_login_page
@requires_of_call(
    asked_permissions,
    refused=lambda missing: warn_of_unknown(services(), missing),
    by_cookie=_claims_of_cookie,
)
def verify() -> Any:
    """Verify an access token, for a proxy or another service, and what its owner may do.

    With `?permission=reports:read`, given once or more, the owner must have all these permissions now. A
    malformed or unknown one, or another parameter, is a 403.

    The response has no body. Its headers `X-Auth-User-Id` and `X-Auth-Username` (percent-encoded) identify
    the user. An `X-Auth-Nonce` of 32 lower-case hexadecimal digits is returned with every answer.

    With `VERIFY_COOKIE`, the cookie `__Secure-verify` is accepted in place of a token where no Authorization
    header is sent, for a proxy in front of a site. `X-Original-Method` is the method of the request to the
    site: one that is not `GET` or `HEAD` needs an `X-Original-Origin` that is the origin of `X-Original-URL`.
    A 401 then has the address of the login page as its `Location`, if that URL is on an origin of
    `RETURN_ORIGINS`.
    """
    return outputs.verified(g.principal.account)


@auth_bp.get("/me/activity")
@answers(200, outputs.Activity)
@limited("reads")
@jwt_required
@takes_query(Page)
def my_activity(page: Page) -> Any:
    """Return the activity of the account, newest first."""
    before = read_cursor(page.cursor) if page.cursor else None
    return outputs.activity(*activity.page(services(), g.principal, before, page.limit))
