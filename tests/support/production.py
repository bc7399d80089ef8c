"""Valid production settings, and shortcuts to make them invalid."""

from collections.abc import Callable

import pytest

from config import ConfigurationError, Settings, config_by_name

FLASK = "Vq3Zt8Lw1Xc6Rb9Np4Ky7Jm2Hd5Gf0SaTuE"
JWT = "b8Wn5Qe2Uz7Ih4Ov1Pk6Cx9Mj3Ly0Dg8FrAs"
FINE = {
    "FLASK_ENV": "production",
    "FLASK_SECRET_KEY": FLASK,
    "JWT_SECRET_KEY": JWT,
    "PUBLIC_URL": "https://auth.example.com",
    "TRUSTED_PROXIES": "1",
    "DATABASE_URI": "postgresql://auth:secret-of-the-database@db/auth",
}


def load(**changes: str | None) -> Settings:
    """Load valid production settings with these changes; None removes a variable."""
    environ = {name: text for name, text in (FINE | changes).items() if text is not None}
    return Settings.load(config_by_name[environ["FLASK_ENV"]], environ)


def faults_of(call: Callable[[], object]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        call()
    return caught.value.faults


def faults(**changes: str | None) -> list[str]:
    return faults_of(lambda: load(**changes))
