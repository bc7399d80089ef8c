"""Addresses of resources and of back-channel logout."""

import pytest

from utils.web import redirect_uris
from utils.web.redirect_uris import resource_uri


def test_resource_has_no_query_and_no_slash_of_a_bare_host() -> None:
    assert resource_uri("https://api.example.com/") == "https://api.example.com"
    assert resource_uri("https://api.example.com/v1/") == "https://api.example.com/v1/"
    for uri in (
        "https://api.example.com?x=1",
        "https://api.example.com#x",
        "urn:api",
        "http://api.example.com",
    ):
        with pytest.raises(ValueError, match="must"):
            resource_uri(uri)


def test_back_channel_is_https_unless_plain_is_allowed() -> None:
    assert redirect_uris.backchannel_uri("https://app.example.com/logout")
    assert redirect_uris.backchannel_uri("http://grafana:3000/logout", plain=True)
    for uri in ("http://grafana:3000/logout", "com.example.app:/x", "file:///x"):
        with pytest.raises(ValueError, match="must"):
            redirect_uris.backchannel_uri(uri)
