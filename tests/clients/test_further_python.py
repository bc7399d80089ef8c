"""django-allauth, social-auth-app-django, simple-openid-connect, Flask-pyoidc and FastAPI log in."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.client_packages import python_with
from tests.support.provider import Person, Provider, running_client
from tests.support.server import free_port

pytestmark = pytest.mark.nightly
DJANGO = """
SECRET_KEY = "s" * 50
ROOT_URLCONF = "urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.db"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ALLOWED_HOSTS = ["localhost"]
LOGIN_REDIRECT_URL = "/"
"""
URLS = """
from django.http import JsonResponse
from django.urls import include, path


def home(request):
    return JsonResponse({"name": request.user.get_username(), "email": getattr(request.user, "email", "")})


urlpatterns = [path("", home), path("@PREFIX@", include("@URLS@"))]
"""
ALLAUTH = """
INSTALLED_APPS += [
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]
MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "provider",
                "name": "Provider",
                "client_id": "@ID@",
                "secret": "@SECRET@",
                "settings": {"server_url": "@ISSUER@", "token_auth_method": "client_secret_basic"},
            }
        ],
    }
}
"""
SOCIAL = """
INSTALLED_APPS += ["social_django"]
AUTHENTICATION_BACKENDS = ["social_core.backends.open_id_connect.OpenIdConnectAuth"]
SOCIAL_AUTH_OIDC_OIDC_ENDPOINT = "@ISSUER@"
SOCIAL_AUTH_OIDC_KEY = "@ID@"
SOCIAL_AUTH_OIDC_SECRET = "@SECRET@"
SOCIAL_AUTH_OIDC_USE_PKCE = True
"""
SIMPLE = """
INSTALLED_APPS += ["simple_openid_connect.integrations.django"]
OPENID_ISSUER = "@ISSUER@"
OPENID_CLIENT_ID = "@ID@"
OPENID_CLIENT_SECRET = "@SECRET@"
OPENID_BASE_URI = "@URL@"
OPENID_SCOPE = "openid profile email"
LOGOUT_REDIRECT_URL = "@URL@/"
"""
PYOIDC = """
from flask import Flask, jsonify, session
from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientMetadata, ProviderConfiguration
from flask_pyoidc.user_session import UserSession

app = Flask(__name__)
app.config.update(SECRET_KEY="s" * 32, OIDC_REDIRECT_URI="@URL@/callback")
client = ClientMetadata(client_id="@ID@", client_secret="@SECRET@")
provider = ProviderConfiguration(
    issuer="@ISSUER@", client_metadata=client, auth_request_params={"scope": ["openid", "profile", "email"]}
)
auth = OIDCAuthentication({"default": provider}, app)


@app.get("/")
@auth.oidc_auth("default")
def home():
    found = UserSession(session)
    return jsonify(id_token=found.id_token, userinfo=found.userinfo)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(python_with("further.txt", tmp_path_factory))


def filled(text: str, issuer: Provider, url: str, added: dict[str, str]) -> str:
    values = {"ISSUER": issuer.url, "URL": url, "ID": added["id"], "SECRET": added["secret"]}
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


@contextmanager
def django(python: str, folder: Path, url: str, settings: str, prefix: str, urls: str) -> Iterator[None]:
    """Run a Django project with these settings, which includes the paths of a package."""
    (folder / "settings.py").write_text(DJANGO + settings)
    (folder / "urls.py").write_text(URLS.replace("@PREFIX@", prefix).replace("@URLS@", urls))
    environ = {"DJANGO_SETTINGS_MODULE": "settings"}
    migrate = [python, "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=folder, env=environ, check=True)
    serve = [python, "-m", "django", "runserver", "--noreload", url.removeprefix("http://")]
    with running_client(serve, url, folder, environ):
        yield


@pytest.mark.parametrize(
    ("name", "pkce", "settings", "redirect", "prefix", "urls", "login", "form"),
    [
        ("allauth", "required", ALLAUTH, "accounts/oidc/provider/login/callback/", "accounts/",
         "allauth.urls", "accounts/oidc/provider/login/", None),
        ("social-auth", "required", SOCIAL, "complete/oidc/", "", "social_django.urls", "login/oidc/",
         b""),
        ("simple", "optional", SIMPLE, "openid/login-callback/", "openid/",
         "simple_openid_connect.integrations.django.urls", "openid/login/", None),
    ],
)  # fmt: skip
def test_django_project_logs_in(
    issuer: Provider,
    person: Person,
    python: str,
    tmp_path: Path,
    name: str,
    pkce: str,
    settings: str,
    redirect: str,
    prefix: str,
    urls: str,
    login: str,
    form: bytes | None,
) -> None:
    url = f"http://localhost:{free_port()}"
    added = issuer.command("clients", "add", name, "--redirect", f"{url}/{redirect}", "--pkce", pkce)
    with django(python, tmp_path, url, filled(settings, issuer, url, added), prefix, urls):
        assert person.opens(url).json() == {"name": "", "email": ""}
        shown = person.opens(person.allows(person.opens(f"{url}/{login}", form)))
        assert shown.json()["email"] == person.address
        assert shown.json()["name"]


def test_flask_pyoidc_logs_in(issuer: Provider, person: Person, python: str, tmp_path: Path) -> None:
    url = f"http://localhost:{free_port()}"
    options = ["--redirect", f"{url}/callback", "--pkce", "optional"]  # it has no PKCE
    added = issuer.command("clients", "add", "pyoidc", *options)
    (tmp_path / "app.py").write_text(filled(PYOIDC, issuer, url, added))
    words = [python, "-m", "flask", "--app", "app", "run", "--port", url.rpartition(":")[2]]
    with running_client(words, f"{url}/none", tmp_path):
        shown = person.logs_in(url).json()
        assert (shown["id_token"]["iss"], shown["id_token"]["aud"]) == (issuer.url, ["pyoidc"])
        assert shown["userinfo"]["email"] == person.address


def test_printed_configuration_of_fastapi_logs_in(
    issuer: Provider, person: Person, python: str, tmp_path: Path
) -> None:
    url = f"http://localhost:{free_port()}"
    added = issuer.command("clients", "add", "fast", "--redirect", f"{url}/callback")
    snippet = issuer.command("clients", "snippet", "fast", "--for", "fastapi")["snippet"]
    (tmp_path / "app.py").write_text(snippet)
    environ = {"SECRET_KEY": "s" * 32, "OIDC_CLIENT_SECRET": added["secret"]}
    words = [python, "-m", "uvicorn", "app:app", "--port", url.rpartition(":")[2]]
    with running_client(words, f"{url}/none", tmp_path, environ):
        assert person.logs_in(url).json()["sub"].isdecimal()
