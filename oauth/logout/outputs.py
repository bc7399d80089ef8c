"""The answers of logout by an application."""

from typing import Annotated, Any, Literal, NotRequired
from urllib.parse import urlsplit

from pydantic import Field
from typing_extensions import TypedDict

from oauth.authorize.opening import shown_name
from oauth.logout.decide import Decision


class LogoutAnswer(TypedDict):
    """`confirm`: ask the person. `redirect`: go to `redirect_to`. `done`: nothing is left to do.

    `app` is the name of the client, if it is known. With `done`, `redirect_to` is a link to offer, to `host`.
    `apps` are other clients that keep a login of their own: they are not told of the logout.
    """

    status: Annotated[Literal["confirm", "redirect", "done"], Field(examples=["done"])]
    app: NotRequired[str]
    redirect_to: NotRequired[str]
    host: NotRequired[str]
    apps: NotRequired[Annotated[list[str], Field(examples=[["Grafana", "Team Wiki"]])]]


def answer(decision: Decision) -> dict[str, Any]:
    known: dict[str, Any] = {"app": shown_name(decision.client.name)} if decision.client else {}
    if decision.apps:
        known["apps"] = [shown_name(each) for each in decision.apps]
    if decision.is_asked:
        return {"status": "confirm", **known}
    if decision.redirect_to is None:
        return {"status": "done", **known}
    status = "redirect" if decision.at_once else "done"
    parts = urlsplit(decision.redirect_to)
    host = {"host": parts.netloc or parts.scheme}
    return {"status": status, **known, "redirect_to": decision.redirect_to, **host}
