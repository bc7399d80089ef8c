"""The pages that mailed links lead to: a client of the JSON API, without rules of its own.

Opening one changes nothing. The token is in the fragment, which no browser sends to a server.
"""

from typing import NamedTuple

from flask import Blueprint, render_template

from utils.http import limited
from utils.services import services

pages_bp = Blueprint("pages", __name__, template_folder="templates")


class Landing(NamedTuple):
    """Where a link leads: what it is for, and the call that it stands for."""

    title: str
    text: str
    call: str
    body: str = '{"token": "..."}'


LANDINGS = {
    "/verify-email": Landing(
        "Confirm your address",
        "Sending the token and the password of the account confirms this address.",
        "/auth/email/verify",
        '{"token": "...", "password": "..."}',
    ),
    "/reject": Landing(
        "I did not sign up",
        "Sending the token erases the account that was registered with your address.",
        "/auth/email/reject",
    ),
    "/reset": Landing(
        "Set a new password",
        "Sending the token and a new password sets it, and ends every session of the account.",
        "/auth/password/reset",
        '{"token": "...", "password": "..."}',
    ),
    "/undo-email-change": Landing(
        "Take the change of address back",
        "Sending the token restores the old address, and blocks the password until you set a new one.",
        "/auth/email/change/undo",
    ),
    "/restore": Landing("Keep the account", "Sending the token calls the deletion off.", "/auth/me/restore"),
    "/disown": Landing(
        "This was not me",
        "Sending the token ends every session, and blocks the password until you set a new one.",
        "/auth/sessions/disown",
    ),
}


@limited("reads")
def landing(path: str) -> str:
    """A plain page that names the call; nothing happens by opening it."""
    settings = services().settings
    return render_template(
        "landing.html", landing=LANDINGS[path], brand=settings.brand_name, url=settings.public_url
    )


for _path in LANDINGS:
    pages_bp.add_url_rule(_path, view_func=landing, defaults={"path": _path})
