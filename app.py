"""The composition root: creates settings, services and the Flask app.

create_app()            the environment of FLASK_ENV, by default development
create_app("testing")   in-memory SQLite, a fast hash, no environment variables
python app.py           serve, like `make run`
app:app                 for `flask --app app ...` and for WSGI servers
"""

import signal

if __name__ == "__main__":  # before the slow imports: Ctrl-C exits without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import click
from flask import Flask

from auth import auth_bp, auth_commands
from auth.accounts import data_export
from auth.admin import logged_in, slices
from auth.api_tokens import admission as api_token_admission
from auth.api_tokens.lifecycle import DEFAULT_DAYS
from auth.cookies import DEVICE_HEADER
from auth.events import LinkPurpose
from auth.fields import MAX_PASSWORD
from auth.login.second_step import TRUSTED_FOR
from auth.mailing import delivery
from auth.mailing.links import LIFETIMES
from auth.sessions import admission
from auth.stores.rate_limits import DatabaseCounters
from auth.transfer import project_keys
from config import ConfigurationError, Settings, config_by_name, environment, environment_name
from models import db
from oauth import BLUEPRINTS as OAUTH_BLUEPRINTS
from oauth.diagnosis import client as client_checks
from oauth.keys.ring import KeyRing
from oauth.listener import ProviderListener
from oauth.notices import delivery as notice_delivery
from oauth.upkeep import ProviderUpkeep
from ops.api_page import api_page_bp
from ops.openapi import describe
from ops.routes import ops_bp
from pages import ErrorPages, Facts, init_pages, rendered
from utils.challenges import ExternalChallenge, ProofOfWork
from utils.clock import Clock, SystemClock
from utils.crypto import jws
from utils.database.deadlines import ANSWER_TIMEOUT
from utils.database.engine import engine_options, init_engine
from utils.database.readiness import Readiness, schema_check
from utils.database.reads import Reads
from utils.error_handlers import init_errors
from utils.identifiers import MAX_USERNAME
from utils.languages import catalogue
from utils.limits.ceilings import WINDOW, Ceiling, Ceilings, Challenge
from utils.limits.counters import FallbackCounters, LocalCounters, RedisCounters
from utils.limits.rate_limits import POLICIES, CountingLimiter, Limiter, NoLimits, Policy
from utils.limits.refusal_delay import DELAY, RefusalDelay
from utils.mail.delivery import Delivery
from utils.mail.mailers import mailer_for
from utils.observability.metrics import Metrics
from utils.passwords.hash_limiter import MAX_WAITING, LimitedHasher
from utils.passwords.hashing import PasswordHasher
from utils.passwords.leaked import LeakedPasswords, NoLeakCheck
from utils.services import Leaks, Services, services
from utils.serving import server
from utils.serving.development import development_secrets
from utils.serving.first_request import AtFirstRequest
from utils.serving.modules import register_modules
from utils.web.cors import init_cors
from utils.web.fetch import Fetcher
from utils.web.flask_sessions import init_flask_sessions
from utils.web.http import init_http
from utils.web.layer import init_layer
from utils.web.public_addresses import Reachable
from utils.web.repeats import init_repeats

VERSION = "0.1.0"
ROOT = Path(__file__).parent
PAGE_FACTS = Facts(
    password_max_length=MAX_PASSWORD,
    username_max_length=MAX_USERNAME,
    reset_lifetime=LIFETIMES[LinkPurpose.RESET],
    device_trust=TRUSTED_FOR,
    token_days=DEFAULT_DAYS,
)
SECRETS = ("FLASK_SECRET_KEY", "JWT_SECRET_KEY")


def create_app(config_name: str | None = None, settings: Settings | None = None, **replaced: Any) -> Flask:
    """Return the application, with `settings`, or those of `config_name` or `FLASK_ENV`.

    `replaced` replaces services by name (`clock=...`, `hasher=...`). Does not migrate the database. Raises
    `ConfigurationError`, an exit with code 1, for invalid settings.
    """
    settings = settings or load_settings(config_name)
    app = Flask("auth_service", root_path=str(ROOT), instance_path=str(ROOT / "instance"), static_folder=None)
    app.config.from_mapping(_flask_config(settings))
    init_repeats(app)
    init_http(app, settings)
    init_flask_sessions(app, settings)
    init_errors(app, *([ErrorPages(app, PAGE_FACTS)] if settings.pages_enabled else []))
    db.init_app(app)
    with app.app_context():
        init_engine(db.engine, answer_timeout=None if _is_command() else ANSWER_TIMEOUT)
        app.extensions["auth_services"] = built = _services(app, settings, replaced)
    layer = init_layer(app, settings, built.metrics)
    app.register_blueprint(auth_bp)
    app.cli.add_command(auth_commands)
    if settings.oauth_provider:
        for blueprint in OAUTH_BLUEPRINTS:
            app.register_blueprint(blueprint)
    app.register_blueprint(ops_bp)
    app.register_blueprint(api_page_bp)
    init_pages(app, settings, PAGE_FACTS, app.view_functions["auth.logout"])
    register_modules(app, settings.app_modules)
    init_cors(app, layer, settings, headers=[DEVICE_HEADER])
    # mypy takes the assignment for an error; Flask documents it for middleware.
    app.wsgi_app = AtFirstRequest(app.wsgi_app, built.serve)  # type: ignore[method-assign]
    if click.get_current_context(silent=True):  # command line only: imports in 130 ms
        from flask_migrate import Migrate  # noqa: PLC0415

        Migrate(app, db, directory=str(ROOT / "migrations"))
    return app


def load_settings(config_name: str | None = None) -> Settings:
    """Return the settings of an environment, from environment variables and `.env`."""
    if config_name == "testing":
        return Settings.load(config_by_name["testing"], {})
    environ = environment()
    name = config_name or environment_name(environ)
    if name == "testing":
        return load_settings("testing")
    if name not in config_by_name:
        raise ConfigurationError([f"The configuration must be one of {', '.join(config_by_name)}."])
    config = config_by_name[name]
    missing = [key for key in SECRETS if not environ.get(key) and not environ.get(f"{key}_FILE")]
    fallback = development_secrets(ROOT / "instance", missing) if config.FLASK_ENV == "development" else {}
    return Settings.load(config, environ, fallback)


def _flask_config(settings: Settings) -> dict[str, Any]:
    """Return `app.config`: five settings under Flask's names, and those of extensions."""
    return {
        "FLASK_ENV": settings.flask_env,
        "SECRET_KEY": settings.flask_secret_key,
        "JWT_SECRET_KEY": settings.jwt_secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_uri,
        "JWT_ACCESS_TOKEN_EXPIRES": settings.jwt_access_token_expires,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(settings.database_uri),
        "TESTING": settings.testing,
    }


def _services(app: Flask, settings: Settings, replaced: dict[str, Any]) -> Services:
    clock = replaced.get("clock", SystemClock())
    metrics = Metrics()
    limiter = replaced.get("limiter") or _limiter(settings, clock)
    refusal_delay = RefusalDelay(0 if settings.testing else DELAY)
    serves = not _is_command() and not settings.testing  # commands and tests have no background threads
    chosen: dict[str, Any] = {
        "settings": settings,
        "config": app.config,
        "languages": _languages(settings.default_language),
        "clock": clock,
        "tx": db.session,
        "has_tx": db.session.registry.has,
        "reads": Reads(db.engine),
        "readiness": Readiness(schema_check(db.engine, settings.database_uri)),
        "hasher": LimitedHasher(
            PasswordHasher(
                settings.password_hash_method, lambda key_id: project_keys.find(services(), key_id)
            ),
            concurrency=settings.hash_concurrency,
            waiting=MAX_WAITING,
            metrics=metrics,
            refusal_delay=refusal_delay,
        ),
        "leaks": _leaks(settings, metrics),
        "metrics": metrics,
        "limiter": limiter,
        "ceilings": Ceilings(limiter, [*_ceilings(settings)], _challenge(settings, clock), metrics, clock),
        "refusal_delay": refusal_delay,
        "mailer": mailer_for(settings, ROOT),
        "delivery": Delivery(_in_context(app, delivery.deliver_next), in_background=serves),
        "pruning": slices.background(_in_context(app, slices.Slices().next_batch), in_background=serves),
        "counting": logged_in.background(_in_context(app, logged_in.Counting().step), in_background=serves),
        "exports": BoundedSemaphore(data_export.AT_ONCE),
        "admit": admission.admit,
        "admit_api_token": api_token_admission.admit,
        "describe": cache(lambda: describe(app, VERSION)),
        "listener": ProviderListener(),  # grants end with their accounts while OAUTH_PROVIDER is off, too
        "signer": KeyRing(),
        "fetch": Fetcher(
            Reachable.of(settings.oauth_private_networks, loopback=settings.flask_env != "production")
        ),
        "notices": notice_delivery.background(
            _in_context(app, notice_delivery.deliver_next), in_background=serves and settings.oauth_provider
        ),
        "make_signing_key": jws.make_private,
        "render_page": rendered if settings.pages_enabled else None,
        "examine_client": client_checks.examine,
        "upkeep": ProviderUpkeep(),
        "refusal_writes": LocalCounters(clock),
    }
    return Services(**(chosen | replaced))


def _languages(default: str) -> catalogue.Languages:
    """Return the installed languages. Raises `ConfigurationError` for a language without a mail, or a default
    that is not installed.
    """
    try:
        tags = sorted(catalogue.shipped().tags)
    except LookupError as problem:
        raise ConfigurationError([f"{problem}."]) from None
    if default not in tags:
        raise ConfigurationError([f"DEFAULT_LANGUAGE must be one of {', '.join(tags)}."])
    return catalogue.shipped(default)


def _leaks(settings: Settings, metrics: Metrics) -> Leaks:
    """Return the leak check, if it is configured."""
    url = settings.leaked_passwords_url
    return LeakedPasswords(url, metrics) if url else NoLeakCheck()


def _in_context(app: Flask, step: Callable[[Services], bool]) -> Callable[[], bool]:
    """Return a step of a background thread as a call in an application context."""

    def call() -> bool:
        with app.app_context():
            return step(services())

    return call


def _is_command() -> bool:
    """Whether this process runs a command other than `flask run`."""
    command = click.get_current_context(silent=True)
    return command is not None and command.info_name != "run"


def _limiter(settings: Settings, clock: Clock) -> Limiter:
    """Return the limiter: counts in Redis if it is configured, else in the database."""
    if not settings.rate_limit_enabled:
        return NoLimits()
    local, policies = LocalCounters(clock), {**POLICIES, **_ceilings(settings)}
    if settings.redis_url:
        shared = FallbackCounters(RedisCounters(settings.redis_url), local, clock)
        return CountingLimiter(shared, local, policies)
    return CountingLimiter(DatabaseCounters(db.session, clock), local, policies)


def _ceilings(settings: Settings) -> dict[str, Policy]:
    """Return the policies of the ceilings that are set."""
    quotas: dict[Ceiling, int] = {
        "registrations": settings.registration_ceiling,
        "unproven-mails": settings.unproven_mail_ceiling,
    }
    return {name: Policy(quota, WINDOW) for name, quota in quotas.items() if quota}


def _challenge(settings: Settings, clock: Clock) -> Challenge | None:
    """Return the challenge that passes a ceiling, if one is configured."""
    used = DatabaseCounters(db.session, clock)  # not Redis: without it a response would pass in each process
    if settings.challenge_url and settings.challenge_secret:
        return ExternalChallenge(settings.challenge_url, settings.challenge_secret, used)
    keys = (settings.flask_secret_key, *settings.flask_previous_secret_keys)
    return ProofOfWork(keys, used, clock) if settings.proof_of_work else None


def __getattr__(name: str) -> Flask:
    """Create `app` at its first access, so that importing this module has no effects."""
    if name != "app":
        raise AttributeError(name)
    globals()["app"] = app = server.application(create_app, db)
    return app


if __name__ == "__main__":
    server.serve(create_app, db)
