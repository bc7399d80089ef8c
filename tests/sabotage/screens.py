"""Rules of the screens."""

from tests.sabotage import Sabotage

SCREENS: list[Sabotage] = []
