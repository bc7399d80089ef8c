"""`auth_guard` in Django: the example of the authorization guide, asynchronous views, and POST."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.documents import example
from tests.support.examples import get, running
from tests.support.guarded_sites import Service, at, check_site, service_with_roles
from tests.support.roles import grant, revoke
from tests.support.server import DEADLINE, ROOT, free_port

SDK = str(ROOT / "sdk" / "python")
pytestmark = pytest.mark.slow

SETTINGS = """
SECRET_KEY = "s" * 50
ROOT_URLCONF = "urls"
MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]
ALLOWED_HOSTS = ["127.0.0.1"]
"""
ORDERS = """
from django.http import JsonResponse
from django.urls import path

urlpatterns = [path("orders", lambda request: JsonResponse({"orders_of": request.caller.user_id}))]
"""
ASYNC = """

@django_requires(guard, "reports:read")
async def later(request):
    return JsonResponse({"method": request.method, "id": request.caller.user_id})


urlpatterns += [path("later", later)]
"""
MALFORMED = """
from auth_guard import Guard
from auth_guard.django import django_requires

for wrong in ((), ("",), ("reports",)):
    try:
        django_requires(Guard("http://127.0.0.1:8000"), *wrong)
    except ValueError as refusal:
        assert "thing:verb" in str(refusal)
    else:
        raise AssertionError(wrong)
"""


@pytest.fixture
def service(tmp_path: Path, sqlite_template: Path) -> Iterator[Service]:
    with service_with_roles(sqlite_template, tmp_path) as found:
        yield found


@contextmanager
def django(python: str, folder: Path, path: str, **files: str) -> Iterator[str]:
    """Run a Django project of these modules for the block, from its answer at this path on; yield its URL."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    address = f"127.0.0.1:{free_port()}"
    serve = [python, "-m", "django", "runserver", "--noreload", address]
    environ = {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": f"{folder}:{SDK}"}
    with running(serve, folder, f"http://{address}{path}", **environ):
        yield f"http://{address}"


def test_django_middleware_wants_a_valid_token(service: Service, python: str, tmp_path: Path) -> None:
    settings = SETTINGS.replace("django.middleware.csrf.CsrfViewMiddleware", "guards.only_signed_in")
    guards = example("django", {8000: service.server.port})
    with django(python, tmp_path, "/orders", settings=settings, urls=ORDERS, guards=guards) as url:
        status, body, headers = get(f"{url}/orders")
        assert (status, body["code"], headers["WWW-Authenticate"]) == (401, "token_missing", "Bearer")
        assert get(f"{url}/orders", service.token)[:2] == (200, {"orders_of": 1})
        assert get(f"{url}/other")[0] == 401
        service.server.call("POST", "/auth/logout", {}, token=service.token)
        assert get(f"{url}/orders", service.token)[0] == 401
        service.server.stop()
        assert get(f"{url}/orders", service.token)[0] == 503


def test_django_decorator_wants_permissions(service: Service, python: str, tmp_path: Path) -> None:
    subprocess.run([python, "-c", MALFORMED], env={"PYTHONPATH": SDK}, check=True)
    urls = example("django-permission", {8000: service.server.port}, "authorization") + ASYNC
    with django(python, tmp_path, "/reports", settings=SETTINGS, urls=urls) as url:
        status, body, headers = get(f"{url}/reports")
        assert (status, body["code"], headers["WWW-Authenticate"]) == (401, "token_missing", "Bearer")
        assert get(f"{url}/later", service.token)[0] == 403
        grant(service.app, "grün", "reader")
        assert get(f"{url}/reports", service.token)[1] == {"reports_of": 1, "name": "grün"}
        post = urllib.request.Request(f"{url}/later", b"", {"Authorization": f"Bearer {service.token}"})
        with urllib.request.urlopen(post, timeout=DEADLINE) as answer:
            assert json.loads(answer.read()) == {"method": "POST", "id": 1}
        revoke(service.app, "grün", "reader")
        check_site(service, at(url), down=503)
