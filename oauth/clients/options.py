"""The options of `clients add` and `clients set`, and the parts of a client that they mean."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import click

from oauth.clients.definition import ALGORITHMS, SCOPES, Definition
from oauth.clients.errors import ClientInvalid

F = TypeVar("F", bound=Callable[..., Any])
MAX_KEEP = timedelta(days=30)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

_OPTIONS = (
    click.option("--redirect", multiple=True, metavar="URI", help="Where the browser is sent back to."),
    click.option("--post-logout", multiple=True, metavar="URI", help="Where it may be sent after logout."),
    click.option("--backchannel", metavar="URI", help="The address that is told of logouts."),
    click.option("--uri", metavar="URL", help="The address of the application."),
    click.option("--policy-url", metavar="URL", help="Its privacy policy, a link where consent is asked."),
    click.option("--terms-url", metavar="URL", help="Its terms, a link where consent is asked."),
    click.option("--scope", multiple=True, help=f"Let it ask for this scope: {', '.join(SCOPES)}."),
    click.option("--no-scope", multiple=True, help="Do not let it ask for this scope."),
    click.option("--resource", multiple=True, metavar="URL", help="A resource that it may ask for."),
    click.option("--require", metavar="PERMISSION", help="Only accounts with this permission may use it."),
    click.option("--pkce", help="required, or optional for applications without it."),
    click.option("--id-token-alg", help=f"{' or '.join(ALGORITHMS)}."),
    click.option("--trusted/--no-trusted", default=None, help="Ask for no consent."),
    click.option("--require-factor/--no-require-factor", default=None, help="Demand a second factor."),
    click.option(
        "--takes-unverified/--no-takes-unverified", default=None, help="Tell unconfirmed addresses."
    ),
    click.option("--claims-in-id-token/--no-claims-in-id-token", default=None, help="Or in userinfo only."),
)
_LISTS = {"redirect_uris": "redirect", "post_logout_uris": "post_logout", "resources": "resource"}
_TEXTS = {
    "backchannel_uri": "backchannel",
    "uri": "uri",
    "policy_uri": "policy_url",
    "terms_uri": "terms_url",
    "required_permission": "require",
    "pkce": "pkce",
    "id_token_alg": "id_token_alg",
}
_REMOVABLE = {part: name for part, name in _TEXTS.items() if part not in {"uri", "pkce", "id_token_alg"}}
_FLAGS = ("trusted", "require_factor", "takes_unverified", "claims_in_id_token")


def shared(function: F) -> F:
    """Add the options that both commands have. Decorator."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def values(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a client that were given, but for its scopes."""
    found: dict[str, Any] = {part: given[name] for part, name in _LISTS.items() if given[name]}
    found |= {part: given[name] for part, name in _TEXTS.items() if given[name] is not None}
    return found | {name: given[name] for name in _FLAGS if given[name] is not None}


def changes(present: Definition, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a client after the changes. Raises `ClientInvalid` for what is not there."""
    found = values(given)
    for part, name in _LISTS.items():
        found[part] = merged(getattr(present, part), given[name], given[f"no_{name}"], part)
    found["scopes"] = merged(present.scopes, given["scope"], given["no_scope"])
    for part, name in _REMOVABLE.items():
        if given[f"no_{name}"]:
            if given[name] is not None:
                raise ClientInvalid(fields={part: "is given and taken away at once"})
            found[part] = None
    if given["new_name"] is not None:
        found["name"] = given["new_name"]
    return found


def merged(
    present: Iterable[str], more: Iterable[str], less: Iterable[str], part: str = ""
) -> tuple[str, ...]:
    """Return a list with some added and some taken out. With `part`, those must be in it."""
    kept = list(present)
    if part and not set(less) <= set(kept):
        raise ClientInvalid(fields={part: "cannot be removed: the client does not have it, letter by letter"})
    if set(more) & set(less):
        raise ClientInvalid(fields={part or "scopes": "is given and taken away at once"})
    return tuple(dict.fromkeys(each for each in [*kept, *more] if each not in set(less)))


def duration(text: str) -> timedelta:
    """Return a duration such as 24h. Raises `ClientInvalid`."""
    found = re.fullmatch(r"([0-9]{1,4})([mhd])", text)
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if length is None or length > MAX_KEEP:
        raise ClientInvalid("--keep is a number with m, h or d, such as 24h, and at most 30d.")
    return length
