"""mozilla-django-oidc: a Django project with the printed configuration."""

import subprocess
from pathlib import Path

import pytest

from tests.support.provider import Person, Provider, running_client
from tests.support.server import free_port

pytestmark = pytest.mark.slow
SETTINGS = """
SECRET_KEY = "s" * 50
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.db"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ALLOWED_HOSTS = ["localhost"]
"""
URLS = """
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.urls import include, path


def home(request):
    email = getattr(request.user, "email", "")
    return JsonResponse({"logged_in": request.user.is_authenticated, "email": email})


urlpatterns = [
    path("", home),
    path("own/", login_required(home)),
    path("oidc/", include("mozilla_django_oidc.urls")),
]
"""


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_printed_configuration_of_django_logs_in_and_out(
    issuer: Provider, person: Person, python: str, tmp_path: Path, algorithm: str
) -> None:
    url = f"http://localhost:{free_port()}"
    name = f"django-{algorithm.lower()}"
    words = ["clients", "add", name, "--preset", "django", "--uri", url, "--id-token-alg", algorithm]
    added = issuer.command(*words)
    (tmp_path / "settings.py").write_text(SETTINGS + added["snippet"])
    (tmp_path / "urls.py").write_text(URLS)
    environ = {"DJANGO_SETTINGS_MODULE": "settings", "OIDC_CLIENT_SECRET": added["secret"]}
    migrate = [python, "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=tmp_path, env=environ, check=True)
    serve = [python, "-m", "django", "runserver", "--noreload", url.removeprefix("http://")]
    with running_client(serve, url, tmp_path, environ):
        assert person.opens(url).json()["logged_in"] is False
        shown = person.logs_in(f"{url}/own/")
        assert shown.json() == {"logged_in": True, "email": person.address}
        left = person.opens(f"{url}/oidc/logout/", b"")
        assert left.url.startswith(f"{issuer.url}/oauth/logout?client_id=")
        assert "&id_token_hint=" in left.url
        answer = person.answered("/auth/authorizations/logout", {"query": left.url.partition("?")[2]})
        assert (answer["status"], answer["redirect_to"]) == ("redirect", f"{url}/")
        assert person.opens(url).json()["logged_in"] is False
