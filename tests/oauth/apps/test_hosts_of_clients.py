"""`doctor` looks up the hosts of all clients, with limits of number and time."""

from threading import Event
from typing import Any

import pytest
from flask import Flask

from oauth.apps import client_findings
from oauth.clients import hosts
from tests.support.oauth import client_row
from tests.support.sent_mail import services_of
from tests.support.service import START


def only_shop_resolves(host: str, _port: None) -> list[Any]:
    if host != "shop.example.com":
        raise OSError
    return []


def found(app: Flask, resolve: hosts.Resolve) -> list[tuple[str, str]]:
    with app.app_context():
        return [(each.state, each.text) for each in client_findings.examine(services_of(app), resolve)]


def test_hosts_of_addresses_are_those_of_http_and_https_each_once() -> None:
    uris = ["https://b.example/x", "https://b.example:8443/y", "http://localhost:5000/", "com.example:/cb"]
    assert hosts.of_addresses(uris) == ["b.example", "localhost"]


def test_host_without_an_address_is_lost() -> None:
    asked = ["gone.example.com", "shop.example.com"]
    assert hosts.look_up(asked, only_shop_resolves) == (["gone.example.com"], [])
    assert hosts.look_up([], only_shop_resolves) == ([], [])


def test_look_up_ends_at_its_deadline_also_if_the_resolver_does_not_answer() -> None:
    answered = Event()
    try:
        assert hosts.look_up(["a", "b"], lambda *_: [answered.wait()], seconds=0.05) == ([], ["a", "b"])
    finally:
        answered.set()


def test_number_of_look_ups_is_bounded() -> None:
    asked: list[str] = []

    def resolve(host: str, _port: None) -> list[Any]:
        asked.append(host)
        return []

    names = [f"host{number}" for number in range(hosts.MAX_HOSTS + 3)]
    hosts.look_up(names, resolve)
    assert sorted(asked) == sorted(names[: hosts.MAX_HOSTS])


def test_doctor_names_redirect_hosts_that_do_not_resolve(app: Flask) -> None:
    client_row(app, "shop", redirect_uris=["https://shop.example.com/cb"], last_used_at=START)
    assert [state for state, _ in found(app, only_shop_resolves)] == ["ok"]
    lost = ["https://gone.example.com/cb", "https://gone.example.com/other", "https://shop.example.com/cb"]
    client_row(app, "wiki", redirect_uris=lost, last_used_at=START)
    client_row(app, "off", redirect_uris=["https://off.example.com/"], disabled_at=START, secret=None)
    assert found(app, only_shop_resolves) == [
        ("warning", "wiki (gone.example.com): a redirect address whose host has no address from here.")
    ]


def test_doctor_tells_hosts_that_it_did_not_look_up(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "MAX_HOSTS", 1)
    for name in ("shop", "wiki"):
        client_row(app, name, redirect_uris=[f"https://{name}.example.com/"], last_used_at=START)
    assert found(app, only_shop_resolves)[0] == ("ok", "1 of 2 hosts were not looked up: at most 1 are.")
