"""Settings: invalid values are refused in one message, without secrets, before startup."""

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app import create_app
from config import Settings, config_by_name, environment_name, misspelt
from models import db
from tests.support.architecture import ROOT
from tests.support.production import FINE, FLASK, JWT, faults, faults_of, load
from tests.support.service import at_once, shut_down
from utils.serving.development import development_secrets
from utils.serving.server import prepare

OWN = ("FLASK_SECRET_KEY", "JWT_SECRET_KEY")


def test_valid_production_settings_start() -> None:
    assert load().production
    app = create_app(settings=load(DATABASE_URI="sqlite:////srv/auth/auth.db"))
    assert (app.test_client().get("/health/live").status_code, app.debug) == (200, False)
    shut_down(app)


def test_all_setting_errors_are_reported_at_once() -> None:
    told = faults(JWT_SECRET_KEY=None, FLASK_SECRET_KEY="short", PORT="http", PUBLIC_URL=None, HOST=None)
    assert [fault.split()[0] for fault in told] == [
        "FLASK_SECRET_KEY",
        "PORT",
        "JWT_SECRET_KEY",
        "PUBLIC_URL",
    ]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("FLASK_DEBUG", ["1", "true", "True", "yes", "on"]),
        (
            "DATABASE_URI",
            [
                "sqlite://",
                "sqlite:///",
                "sqlite:///:memory:",
                "sqlite:///file::memory:?uri=true",
                "sqlite:///file:x?mode=memory&cache=shared&uri=true",
                "sqlite:///?timeout=5",
            ],
        ),
        (
            "PUBLIC_URL",
            [None, "", "http://auth.example.com", "https://auth.example.com/path", "auth.example.com"],
        ),
        (
            "PASSWORD_HASH_METHOD",
            ["scrypt:32768:8:1", "scrypt:16384:8:4", "scrypt:131072:4:1", "pbkdf2:sha256:599999", "plain"],
        ),
    ],
)
def test_production_refuses_unsafe_values(name: str, values: list[str | None]) -> None:
    for value in values:
        assert all(told.startswith(name) for told in faults(**{name: value}))


def test_production_accepts_safe_values() -> None:
    for method in ("scrypt:32768:8:3", "scrypt:131072:8:1", "pbkdf2:sha256:600000", "pbkdf2:sha512:220000"):
        assert load(PASSWORD_HASH_METHOD=method).password_hash_method == method
    for off in ("0", "false", "False", "no", ""):
        assert load(FLASK_DEBUG=off)
    assert load(HOST="0.0.0.0").host == "0.0.0.0"
    assert load(PUBLIC_URL="https://Auth.Example.com/").public_url == "https://auth.example.com"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("DOCS_ENABLED", ["ture", "2", "enabled", "nil"]),
        ("PORT", ["-1", "65536", "8000.0", "eighty", "1e3", "8_000", "\u0668"]),
        ("JWT_ACCESS_TOKEN_EXPIRES", ["0", "-1", "86401", "1h"]),
        ("PASSWORD_MIN_LENGTH", ["7", "65"]),
        ("CLIENT_ADDRESS_HEADER", ["X_Forwarded_For", "Client address", "a-b-c-d-e", "x:", "-x", "\xe9"]),
        ("PUBLIC_URL", ["ftp://a.example", "https://", "https://u:p@a.example", "https://:p@a.example"]),
        ("PUBLIC_URL", ["https://a.example?q", "https://[", "https://a\u2100b.example", "https://a:99999"]),
        ("DATABASE_URI", ["mysql://db/auth", "auth.db", "postgres:db"]),
        (
            "REDIS_URL",
            ["http://redis", "redis:6379", "redis://:canary#x@redis/0", "redis://:canary/x@redis/0"],
        ),
        ("REDIS_URL", ["redis://redis:canary/0", "redis://redis/0?canary=1", "redis://redis/0?db=canary"]),
        ("REDIS_URL", ["redis://redis/0?protocol=9", "redis://[canary/0"]),
        (
            "PASSWORD_HASH_METHOD",
            [
                "scrypt:0:8:1",
                "scrypt:1000:8:1",
                "scrypt:262144:8:8",  # 132 * N * r * p is 2^31 or more
                "pbkdf2:md5:1000000",
                "scrypt:32768:0:3",
                "pbkdf2:sha256:0",
            ],
        ),
    ],
)
def test_malformed_value_is_refused_and_not_echoed(name: str, values: list[str]) -> None:
    for value in values:
        told = faults(**{name: value})
        assert all(fault.startswith(f"{name} ") for fault in told)
        assert len(value) < 10 or value not in str(told)


def test_production_requires_an_explicit_number_of_trusted_proxies() -> None:
    told = "TRUSTED_PROXIES must be set: 0 without a proxy, 1 behind one proxy."
    assert faults(TRUSTED_PROXIES=None) == faults(TRUSTED_PROXIES="") == [told]
    assert faults(TRUSTED_PROXIES="x") == ["TRUSTED_PROXIES must be a whole number from 0 to 10."]
    assert [load(TRUSTED_PROXIES=text).trusted_proxies for text in ("0", "1")] == [0, 1]
    assert load(FLASK_ENV="development", TRUSTED_PROXIES=None).trusted_proxies == 0


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, 1),
        ({"CLIENT_ADDRESS_HEADER": "CF-Connecting-IP"}, 1),
        ({"CLIENT_ADDRESS_HEADER": "Clientaddress"}, 0),
        ({"TRUSTED_PROXIES": "0"}, 0),
        ({"FLASK_ENV": "development"}, 0),
    ],
)
def test_production_start_warns_once_of_an_address_header_with_a_hyphen(
    changes: dict[str, str], lines: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(settings=load(**({"DATABASE_URI": f"sqlite:///{tmp_path}/auth.db"} | changes)))
    prepare(app, db, "127.0.0.1")
    told = [line for line in capsys.readouterr().err.splitlines() if "CLIENT_ADDRESS_HEADER" in line]
    assert len(told) == lines
    assert all("doctor --probe https://auth.example.com" in line for line in told)


def test_boolean_accepts_several_words() -> None:
    assert all(load(DOCS_ENABLED=word).docs_enabled for word in ("true", "TRUE", "1", "yes", "on"))
    assert not any(load(DOCS_ENABLED=word).docs_enabled for word in ("false", "0", "No", "off", ""))


def test_secret_can_be_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{FLASK}x\n")
    assert load(JWT_SECRET_KEY=None, JWT_SECRET_KEY_FILE=str(path)).jwt_secret_key == f"{FLASK}x"
    path.write_text("postgres://u:p@db/x\n")
    assert (
        load(DATABASE_URI=None, DATABASE_URI_FILE=str(path)).database_uri == "postgresql+psycopg://u:p@db/x"
    )
    assert "JWT_SECRET_KEY and JWT_SECRET_KEY_FILE are both set; set one of them." in faults(
        JWT_SECRET_KEY_FILE=str(path)
    )


def test_unreadable_secret_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe" * 20)
    for path in (tmp_path / "absent", tmp_path, tmp_path / "binary"):
        told = faults(JWT_SECRET_KEY=None, JWT_SECRET_KEY_FILE=str(path))
        assert told[0].startswith("JWT_SECRET_KEY_FILE cannot be read")
        assert str(path) not in str(told)


def test_settings_repr_and_errors_show_no_secret() -> None:
    previous = "Old1Old2Old3Old4Old5Old6Old7Old8Old9"
    settings = load(JWT_PREVIOUS_SECRET_KEYS=previous)
    for secret in (FLASK, JWT, previous, "secret-of-the-database"):
        assert secret not in repr(settings)
        assert secret not in str(faults(JWT_PREVIOUS_SECRET_KEYS=previous, PORT="x", FLASK_SECRET_KEY=JWT))


def test_settings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load().port = 1  # type: ignore[misc]


def test_development_serves_loopback_only() -> None:
    for host in ("0.0.0.0", "::", "192.168.0.1", "auth.example.com", "127.0.0.1.example.com"):
        assert "HOST must be a loopback address" in faults(FLASK_ENV="development", HOST=host)[0]
    for host in ("127.0.0.1", "localhost", "::1", "127.0.0.2"):
        assert load(FLASK_ENV="development", HOST=host).host == host


def test_every_postgres_scheme_is_accepted() -> None:
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        assert load(DATABASE_URI=f"{scheme}://u@h/d").database_uri == "postgresql+psycopg://u@h/d"


def test_environment_defaults_to_development() -> None:
    assert environment_name({}) == environment_name({"FLASK_ENV": ""}) == "default"
    assert load(FLASK_ENV="default").flask_env == "development"
    (told,) = faults_of(lambda: environment_name({"FLASK_ENV": "prodcution"}))
    assert told == "FLASK_ENV must be one of development, production, testing."


def test_testing_reads_neither_the_environment_nor_dotenv(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("DATABASE_URI=nonsense\nBRAND_NAME=theirs\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JWT_SECRET_KEY", "short")
    monkeypatch.setenv("PORT", "nonsense")
    app = create_app("testing")
    assert app.config["SQLALCHEMY_DATABASE_URI"] == "sqlite:///:memory:"
    assert app.extensions["auth_services"].settings.brand_name == "AxiomTech"
    assert app.config["JWT_SECRET_KEY"] == config_by_name["testing"].JWT_SECRET_KEY


def test_development_secrets_are_generated_once_with_private_mode(tmp_path: Path) -> None:
    first = development_secrets(tmp_path / "instance", OWN)
    assert development_secrets(tmp_path / "instance", OWN) == first
    assert len(set(first.values())) == 2
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "instance").iterdir()} == {0o600}
    assert len(list((tmp_path / "instance").iterdir())) == 2
    assert Settings.load(config_by_name["development"], {}, first)


def test_concurrent_starts_share_generated_secrets(tmp_path: Path) -> None:
    found = at_once([lambda: development_secrets(tmp_path / "instance", OWN)] * 12)
    assert len(found) == 12
    assert all(secrets == found[0] for secrets in found)


def run(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `python app.py` in an empty folder with exactly this environment."""
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"} | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_process_with_invalid_settings_exits_with_a_message(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=nonsense\n")
    ended = run(tmp_path, **(FINE | {"JWT_SECRET_KEY": FLASK, "FLASK_DEBUG": "1"}))
    assert ended.returncode == 1
    assert ended.stdout == ""
    head, *told = ended.stderr.splitlines()
    assert head == "The configuration is invalid:"
    assert {line.split()[1] for line in told} == {"PORT", "Two", "FLASK_DEBUG"}
    assert FLASK not in ended.stderr


def test_process_with_an_unknown_environment_exits_with_a_message(tmp_path: Path) -> None:
    ended = run(tmp_path, FLASK_ENV="staging")
    assert ended.returncode == 1
    assert ended.stderr.startswith("The configuration is invalid:\n  - FLASK_ENV must be one of")
    assert "Traceback" not in ended.stderr


NAMES = {entry.name.upper() for entry in dataclasses.fields(Settings)}
SECRETS = {entry.name.upper() for entry in dataclasses.fields(Settings) if entry.metadata["secret"]}


def sample() -> dict[str, str]:
    text = (ROOT / ".env.example").read_text("utf-8")
    return dict(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=(.*)$", text, re.MULTILINE))


def test_sample_environment_has_exactly_the_settings() -> None:
    assert set(sample()) == NAMES
    assert "_FILE=" in (ROOT / ".env.example").read_text("utf-8"), "a secret may be a file"


def test_sample_environment_equals_the_defaults() -> None:
    development, spare = config_by_name["development"], {"FLASK_SECRET_KEY": FLASK, "JWT_SECRET_KEY": JWT}
    assert Settings.load(development, sample(), spare) == Settings.load(development, {}, spare)


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs/reference/settings.md").read_text("utf-8")
    named = set(re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)`", text))
    assert sorted((NAMES | file_forms()) - named) == []


def file_forms() -> set[str]:
    return {f"{name}_FILE" for name in SECRETS}


def test_misspelt_setting_names_are_reported() -> None:
    given = dict.fromkeys(
        "DATABASE_URL CORS_ORIGIN JWT_SECRET TRUSTED_PROXY PATH HOME HOSTNAME PWD".split(), "x"
    )
    assert misspelt(given | dict.fromkeys(NAMES | file_forms(), "x")) == {
        "CORS_ORIGIN": "CORS_ORIGINS",
        "DATABASE_URL": "DATABASE_URI",
        "JWT_SECRET": "JWT_SECRET_KEY",
        "TRUSTED_PROXY": "TRUSTED_PROXIES",
    }
