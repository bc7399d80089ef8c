"""Routes of the pages, and the plain forms that work without JavaScript."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

from flask import Blueprint, Flask, Response, make_response, redirect, render_template, request  # noqa: TID251  (pages are not JSON)
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from config import Settings, is_loopback
from pages import assets, brand, preferences
from pages.safety import DEFAULT_NEXT, add_page_headers, safe_next
from pages.texts import VARY, language, text
from utils.services import services
from utils.web.cookies import refuse_cross_site
from utils.web.http import limited
from utils.web.return_addresses import refusal

log = logging.getLogger("auth")
TOKEN_DAYS = (7, 30, 90, 365)  # lifetimes of an API token to choose from
REASONS = ("expired", "logged_out", "password_changed", "two_factor")
HINT_COOKIE = "__Host-signed-in"  # set by the scripts: there may be a session to refresh

pages_bp = Blueprint("pages", __name__, template_folder="templates")


@dataclass(frozen=True, slots=True)
class Facts:
    """Values that the pages show, besides the settings."""

    password_max_length: int
    username_max_length: int
    reset_lifetime: timedelta
    device_trust: timedelta
    token_days: int  # the default lifetime of an API token


class Shell(NamedTuple):
    """A page: its template and the key of its texts."""

    template: str
    key: str


# Pages with a form also accept a POST, which a browser sends without JavaScript.
FORMS: dict[str, Shell] = {
    "/login": Shell("login.html", "login"),
    "/signup": Shell("signup.html", "signup"),
    "/two-factor": Shell("two_factor.html", "two_factor"),
    "/forgot": Shell("forgot.html", "forgot"),
    "/reset": Shell("reset.html", "reset"),
    "/verify-email": Shell("verify_email.html", "verify"),
    "/reject": Shell("link_action.html", "reject"),
    "/undo-email-change": Shell("link_action.html", "undo"),
    "/restore": Shell("link_action.html", "restore"),
    "/disown": Shell("link_action.html", "disown"),
    "/account": Shell("account/profile.html", "profile"),
    "/account/security": Shell("account/security.html", "security"),
    "/account/two-factor": Shell("account/two_factor.html", "factors"),
    "/account/devices": Shell("account/devices.html", "devices"),
    "/account/apps": Shell("account/apps.html", "apps"),
    "/account/tokens": Shell("account/tokens.html", "tokens"),
    "/account/activity": Shell("account/activity.html", "activity"),
    "/account/delete": Shell("account/delete.html", "delete"),
}
PLAIN: dict[str, Shell] = {
    "/login/cookies": Shell("cookies.html", "cookies"),
    "/signup/sent": Shell("sent.html", "signup_sent"),
    "/forgot/sent": Shell("sent.html", "forgot_sent"),
    "/reset/done": Shell("reset_done.html", "reset_done"),
    "/logout": Shell("logout.html", "logout"),  # the POST is a plain form, see `init_pages`
    "/terms": Shell("legal.html", "terms"),
    "/privacy": Shell("legal.html", "privacy"),
}


@limited("reads")
def shell(path: str) -> str:
    """Return a page. It is the same for all users; its script loads the user's data.

    A form that was submitted without JavaScript is not processed: the response is a page that says so.
    """
    if request.method == "POST":
        return render_template("message.html", key="no_script")
    page = (FORMS | PLAIN)[path]
    return render_template(page.template, key=page.key)


@pages_bp.get("/")
@limited("reads")
def home() -> AnyResponse:
    """Redirect to the account if there may be a session, else to the login."""
    return redirect("/account" if request.cookies.get(HINT_COOKIE) else "/login")


@pages_bp.get("/.well-known/change-password")
@limited("reads")
def change_password() -> AnyResponse:
    """Redirect password managers to the form (W3C, A Well-Known URL for Changing Passwords)."""
    return redirect("/account/security")


@pages_bp.get("/favicon.ico")
@limited("reads")
def icon() -> AnyResponse:
    """Return the icon under its traditional path."""
    return assets.answer("", assets.ICON)


@pages_bp.get("/assets/<version>/<path:name>")
@limited("reads")
def asset(version: str, name: str) -> AnyResponse:
    """Return a static file."""
    return assets.answer(version, name)


@pages_bp.get("/assets/brand/<name>")
@limited("reads")
def logo(name: str) -> AnyResponse:
    """Return a logo of the service."""
    return brand.answer(name)


@pages_bp.before_request
def redirect_to_public_host() -> AnyResponse | None:
    """In development, redirect from other loopback hosts to `PUBLIC_URL`, as cookies and passkeys need it."""
    settings = services().settings
    here = urlsplit(f"//{request.host}").hostname or ""
    if settings.flask_env != "development" or request.method != "GET":
        return None
    if not is_loopback(here) or here == urlsplit(settings.public_url).hostname:
        return None
    return redirect(settings.public_url + request.full_path.rstrip("?"))


@pages_bp.after_request
def set_page_headers(response: Response) -> Response:
    return _with_headers(response) if response.mimetype == "text/html" else response


def settled(facts: Facts) -> Callable[[], dict[str, Any]]:
    """Return what pages show by the settings, and of the request by its language and look alone."""

    def context() -> dict[str, Any]:
        settings = services().settings
        return {
            "t": text,
            "asset": lambda name: assets.asset(name, language(), settings.brand_color),
            "language": language(),
            "languages": list(services().languages.by_tag.values()),
            "link": _link,
            "brand": settings.brand_name,
            "logos": brand.logos(settings),
            "min_length": settings.password_min_length,
            "max_length": facts.password_max_length,
            "max_username": facts.username_max_length,
            "reset_minutes": facts.reset_lifetime // timedelta(minutes=1),
            "trusted_days": facts.device_trust // timedelta(days=1),
            "remembered_days": settings.remembered_idle_lifetime // (24 * 60 * 60),
            "asks_twice": settings.confirm_password_field,
            "token_days": _token_days(settings),
            "token_default": min(facts.token_days, settings.api_token_max_days),
            "has_apps": settings.oauth_provider,
            "look": preferences.look(settings),
        }

    return context


def _context(facts: Facts) -> Callable[[], dict[str, Any]]:
    base = settled(facts)

    def context() -> dict[str, Any]:
        settings = services().settings
        reason = request.args.get("reason")
        given = request.args.get("next")
        wanted = safe_next(given, settings.return_origins)
        if given and given != wanted and not settings.production:  # strangers cause this line
            why = refusal(given, settings.return_origins)
            log.warning("return address not used", extra={"error": why})
        return base() | {
            "next": wanted,
            "next_host": urlsplit(urljoin(settings.public_url, wanted)).hostname,
            "with_next": partial(_with_next, wanted),
            "reason": reason if reason in REASONS else None,
            "path": request.path,
        }

    return context


def _with_next(wanted: str, path: str) -> str:
    """Return a path, which may have a query, that keeps the address to open after a login."""
    return (
        path
        if wanted == DEFAULT_NEXT
        else f"{path}{'&' if '?' in path else '?'}{urlencode({'next': wanted})}"
    )


def _token_days(settings: Settings) -> list[int]:
    """Return the lifetimes of an API token that the page offers, in days; none if API tokens are off."""
    longest = settings.api_token_max_days
    days = {each for each in TOKEN_DAYS if each < longest} | {longest}
    return sorted(days) if settings.api_tokens_enabled else []


def _link(href: str, key: str) -> Markup:
    """Return a link, as a value for a placeholder in a text."""
    return Markup('<a class="link link--inline" href="{}">{}</a>').format(href, text(key))


def rendered(template: str, key: str, /, **values: Any) -> Response:
    """Return a page for a view of another package. Its forms lead back to the whole address."""
    shown = {"path": request.full_path.rstrip("?"), **values}
    return _with_headers(make_response(render_template(template, key=key, **shown)))


def _with_headers(response: Response) -> Response:
    response.vary.update(VARY)
    return add_page_headers(response)


def init_pages(app: Flask, settings: Settings, facts: Facts, sign_out: Callable[[], Any]) -> None:
    """Register the pages, if `PAGES_ENABLED`. `sign_out` is the logout view of the API."""
    if not settings.pages_enabled:
        return

    @limited("logout")
    def logout() -> AnyResponse:
        """Log out by a plain form, and redirect to the login page, which keeps `next`.

        Not to `next` itself: the page's policy lets no form lead to another origin.
        """
        refuse_cross_site()
        sign_out()
        wanted = safe_next(request.args.get("next"), settings.return_origins)
        response = make_response(redirect(_with_next(wanted, "/login?reason=logged_out"), 303))
        response.delete_cookie(HINT_COOKIE, path="/", secure=True, samesite="Lax")
        return response

    app.register_blueprint(pages_bp)
    app.add_url_rule("/logout", "pages.logout", logout, methods=["POST"])
    app.context_processor(_context(facts))


for _path in FORMS | PLAIN:
    _methods = ["GET", "POST"] if _path in FORMS else ["GET"]
    pages_bp.add_url_rule(_path, f"shell:{_path}", shell, defaults={"path": _path}, methods=_methods)
for _preference in (preferences.contrast, preferences.scheme, preferences.language):
    _path = f"/preferences/{_preference.__name__}"
    pages_bp.add_url_rule(_path, view_func=_preference, methods=["POST"])
