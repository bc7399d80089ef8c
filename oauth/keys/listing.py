"""The signing keys as operators see them."""

from typing import NamedTuple

from oauth.keys import lifecycle
from oauth.keys.lifecycle import State
from oauth.stores import signing_keys
from oauth.stores.signing_keys import Key
from utils.services import Services


class Listed(NamedTuple):
    """A key and its state."""

    key: Key
    state: State


def listed(services: Services) -> list[Listed]:
    """Return all keys, by algorithm and age."""
    tx, now = services.tx(), services.clock.now()
    keys = signing_keys.every(tx)
    tx.rollback()
    return [Listed(key, lifecycle.state(key, keys, now)) for key in keys]
