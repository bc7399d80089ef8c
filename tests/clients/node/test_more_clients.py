"""express-openid-connect, Better Auth and arctic: Node applications that log in at the service."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.clients.node.test_express_clients import application, shown
from tests.support.app_screens import allow
from tests.support.real_clients import ClientError, Node, Person, Provider, node_program
from tests.support.screen_steps import fill_login, submit
from tests.support.server import until

pytestmark = pytest.mark.nightly
CALLBACK = "https://app.example.com/cb"


@pytest.fixture
def node(packages: Path) -> Iterator[Node]:
    with node_program(packages, "arctic.mjs") as found:
        yield found


def logged_in(screen: Page, url: str, person: Person) -> None:
    screen.goto(f"{url}/login")
    fill_login(screen, person.address)
    submit(screen, "Log In")
    allow(screen)
    screen.wait_for_url(f"{url}/")


def test_express_openid_connect_logs_in_and_out(
    packages: Path, provider: Provider, person: Person, screen: Page
) -> None:
    name = "express_openid_connect"
    with application(packages, provider, name, "/callback", "--id", "express") as url:
        provider.set("express", "--post-logout", url)
        logged_in(screen, url, person)
        assert shown(screen)["email"] == person.address
        screen.goto(f"{url}/logout")
        screen.wait_for_url(f"{url}/")
        assert shown(screen) is None
        screen.goto(f"{provider.issuer}/account")
        screen.get_by_role("button", name="Log In").wait_for()


def test_logout_here_ends_the_session_at_express_openid_connect(
    packages: Path, provider: Provider, person: Person, screen: Page
) -> None:
    name = "express_openid_connect"
    with application(packages, provider, name, "/callback", "--id", "told") as url:
        provider.set("told", "--backchannel", f"{url}/backchannel-logout")
        logged_in(screen, url, person)
        screen.goto(f"{provider.issuer}/account")
        submit(screen, "Log Out")
        screen.get_by_role("button", name="Log In").wait_for()

        def is_logged_out() -> bool:
            screen.goto(url)
            return shown(screen) is None

        until(is_logged_out, "the back-channel logout")


def test_better_auth_logs_in(packages: Path, provider: Provider, person: Person, screen: Page) -> None:
    with application(packages, provider, "better_auth", "/api/auth/callback/provider") as url:
        logged_in(screen, url, person)
        user = shown(screen)["user"]
        assert (user["email"], user["emailVerified"]) == (person.address, True)
        assert user["name"]


def test_arctic_logs_in_refreshes_and_revokes(provider: Provider, person: Person, node: Node) -> None:
    made = provider.add("arctic", "--redirect", CALLBACK)
    node("configure", issuer=provider.issuer, id=made["id"], secret=made["secret"], redirect_uri=CALLBACK)
    url = person.opens(node("begin", scopes=["openid", "email", "offline_access"]))
    tokens = node("finish", url=url)
    assert tokens["claims"]["email"] == person.address
    assert {*tokens["scopes"]} == {"openid", "email", "offline_access"}
    refreshed = node("refresh", token=tokens["refresh_token"])
    assert refreshed["claims"]["sub"] == tokens["claims"]["sub"]
    node("revoke", token=refreshed["refresh_token"])
    with pytest.raises(ClientError, match="invalid_grant"):
        node("refresh", token=refreshed["refresh_token"])
