"""Deployment files: secure, and consistent with the code and with each other."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from config import Settings, config_by_name
from tests.docs.test_documentation import FIELDS
from tests.support import project
from tests.support.server import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("auth-service")}
KUBERNETES = {
    path.name: yaml.safe_load(path.read_text("utf-8"))
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
}
KINDS = {manifest["kind"]: manifest for manifest in KUBERNETES.values()}
UNITS = {path.name: path.read_text("utf-8") for path in (DEPLOY / "systemd").iterdir()}
KNOWN = set(FIELDS) | {f"{name}_FILE" for name, entry in FIELDS.items() if entry.metadata["secret"]}
SECRET = {name for name, entry in FIELDS.items() if entry.metadata["secret"]}
PINNED = re.compile(r"[a-z/.-]+:\d+\.\d+[\w.-]*")


def test_image_is_minimal_and_runs_unprivileged() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    assert len(stages) == 2
    assert all(PINNED.match(stage) for stage in stages)
    final = stages[-1]
    assert not re.search(r"pip|apt-get|apk|gcc|build-essential", final.partition("\n")[2])
    assert re.search(r"^USER (\d+):\1$", final, re.MULTILINE)
    assert re.search(r'^CMD \["python", "app.py"\]$', final, re.MULTILINE)
    environment = dict(re.findall(r"\b([A-Z_]+)=(\S+)", final.partition("ENV ")[2]))
    assert environment.items() >= {"FLASK_ENV": "production", "HOST": "0.0.0.0", "PORT": "8000"}.items()
    assert set(environment) & set(FIELDS) == {"FLASK_ENV", "HOST", "PORT"}


def test_image_contains_only_the_product() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    taken = {line[1:] for line in lines if line[0] == "!"}
    own = {name for name in taken if name.partition("/")[0] in project.OURS}
    assert own == {*project.MODULES, *project.PRODUCT, "locales", "requirements-serve.txt", "sdk/js/index.js"}
    assert lines[-2:] == ["**/__pycache__", "**/*.pyc"]


@contextmanager
def answering(status: int) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/ready" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_image_health_check_reports_readiness(status: int, code: int) -> None:
    found = re.search(r"^HEALTHCHECK .*\n +CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert found
    command = [sys.executable, *json.loads(found[1])[1:]]
    with answering(status) as port:
        done = subprocess.run(command, env={"PORT": str(port)}, timeout=30, check=False)
    assert done.returncode == code


@pytest.mark.parametrize("name", SERVICES)
def test_compose_service_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert PINNED.match(service["image"])
    checked = service.get("healthcheck", {})  # an app has that of its image
    assert "test" in checked or checked == {"disable": True} or name == "app"
    assert ("ports" in service) == (name == "proxy")
    assert "privileged" not in service
    for variable, text in service.get("environment", {}).items():
        assert variable not in SECRET
        assert "PASSWORD" not in variable or variable.endswith("_FILE")
        assert not variable.endswith("_FILE") or text.removeprefix("/run/secrets/") in service["secrets"]


def test_compose_has_no_default_for_required_settings() -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    assert ":-" not in text
    assert {"PUBLIC_URL", "SECRETS"} == set(re.findall(r"\$\{([A-Z_]+):\?", text))
    assert all(entry["file"].startswith("${SECRETS") for entry in COMPOSE["secrets"].values())


def test_compose_migrates_as_owner_role_and_serves_as_app_role() -> None:
    app, migrate = SERVICES["app"], SERVICES["migrate"]
    assert app["deploy"] == {"replicas": 2}
    assert app["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert migrate["depends_on"]["postgres"] == {"condition": "service_healthy"}
    assert "owner_database_uri" in migrate["secrets"]
    assert not {"owner_database_uri", "postgres_password"} & set(app["secrets"])
    assert app["environment"]["TRUSTED_PROXIES"] == "1"


def test_generated_secrets_match_compose_and_are_accepted(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o755)  # exists with open permissions, which are tightened
    script = ["sh", str(DEPLOY / "make-secrets.sh"), str(folder)]
    subprocess.run(script, check=True)
    drawn = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(COMPOSE["secrets"]) == {*drawn, "tls_pem", "mail_url"}
    assert folder.stat().st_mode & 0o777 == 0o700
    subprocess.run(script, check=True)
    assert drawn == {path.name: path.read_text() for path in folder.iterdir()}
    (folder / "mail_url").write_text("smtps://auth:password@mail.example.com\n")  # cannot be generated
    for service in OURS.values():
        environ = {
            name: text.replace("/run/secrets", str(folder)) for name, text in service["environment"].items()
        }
        environ["PUBLIC_URL"] = "https://auth.example.com"
        settings = Settings.load(config_by_name["production"], environ)
        assert settings.database_uri.startswith("postgresql+psycopg://auth_")


def test_every_shipped_configuration_sets_the_number_of_trusted_proxies() -> None:
    assert {service["environment"]["TRUSTED_PROXIES"] for service in OURS.values()} == {"1"}
    assert {service["environment"]["CLIENT_ADDRESS_HEADER"] for service in OURS.values()} == {"Clientaddress"}
    assert all(pod["containers"][0]["envFrom"] == [SETTINGS_OF_POD] for pod in pods())
    assert KINDS["ConfigMap"]["data"]["TRUSTED_PROXIES"] == "1"
    units = [text for name, text in UNITS.items() if name.endswith(".service")]
    for text in units:
        # A later line of /etc/auth/settings replaces the value.
        ours = text.partition("EnvironmentFile=")[0].splitlines()
        assert {"Environment=TRUSTED_PROXIES=1", "Environment=CLIENT_ADDRESS_HEADER=Clientaddress"} <= {*ours}
    assert len(units) == 1


SETTINGS_OF_POD = {"configMapRef": {"name": KINDS["ConfigMap"]["metadata"]["name"]}}


def test_every_setting_in_deployment_files_exists() -> None:
    named = {name for service in OURS.values() for name in service["environment"]}
    named |= set(KINDS["ConfigMap"]["data"])
    named |= {entry["name"] for pod in pods() for entry in pod["containers"][0]["env"]}
    named |= {
        name for unit in UNITS.values() for name in re.findall(r"^Environment=(\w+)=", unit, re.MULTILINE)
    }
    assert named <= KNOWN
    assert named > {"REDIS_URL_FILE", "METRICS_TOKEN_FILE", "TRUSTED_PROXIES"}


def pods() -> list[dict[str, Any]]:
    """Return the pods of the deployment and of the job."""
    return [
        KINDS["Deployment"]["spec"]["template"]["spec"],
        KINDS["Job"]["spec"]["template"]["spec"],
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in KUBERNETES if name != "kustomization.yaml"])
def test_a_manifest_is_valid(name: str) -> None:
    import kubernetes_validate  # type: ignore[import-untyped]  # takes 4 s

    kubernetes_validate.validate(KUBERNETES[name], "1.34", strict=True)


def test_kustomization_lists_every_manifest() -> None:
    listed = set(KINDS["Kustomization"]["resources"])
    assert listed == set(KUBERNETES) - {"kustomization.yaml", "secret.example.yaml"}


@pytest.mark.parametrize("pod", pods(), ids=["app", "migrate"])
def test_pod_security_is_restricted(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    assert container["image"] == SERVICES["app"]["image"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert f"USER {pod['securityContext']['runAsUser']}:" in DOCKERFILE
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container["resources"]["limits"]
    (secret,) = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
    keys = {item["key"] for item in secret["items"]}
    assert keys <= set(KINDS["Secret"]["stringData"])
    files = {entry["value"] for entry in container["env"] if entry["name"].endswith("_FILE")}
    files |= {text for name, text in KINDS["ConfigMap"]["data"].items() if name.endswith("_FILE")}
    assert files == {f"/run/secrets/auth/{key}" for key in keys}


def test_rolling_update_keeps_an_app_available() -> None:
    deployment = KINDS["Deployment"]["spec"]
    assert deployment["replicas"] == 2
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert KINDS["PodDisruptionBudget"]["spec"]["minAvailable"] == 1
    container = deployment["template"]["spec"]["containers"][0]
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"


def test_example_secret_is_empty() -> None:
    assert set(KINDS["Secret"]["stringData"].values()) == {""}


def test_the_units_are_hardened() -> None:
    for line in (
        "DynamicUser=yes",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "UMask=0077",
        "CapabilityBoundingSet=",
    ):
        assert line in UNITS["auth.service"].splitlines(), line


def tool(name: str) -> str:
    """Return the path of a program; fail the test if it is missing."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:/usr/sbin") or shutil.which(name)
    assert found, f"needs {name}"
    return found


@pytest.mark.slow
def test_hadolint_reports_nothing() -> None:
    subprocess.run([tool("hadolint"), str(ROOT / "Dockerfile")], check=True)


@pytest.mark.slow
def test_compose_accepts_its_file_and_refuses_missing_settings(tmp_path: Path) -> None:
    command = [tool("docker-compose"), "--file", "compose.yaml", "config", "--quiet"]
    # Versions 1 do not know the name of the project yet.
    text = re.sub(r"^name: .*$", "", (DEPLOY / "compose.yaml").read_text("utf-8"), flags=re.MULTILINE)
    (tmp_path / "compose.yaml").write_text(text)
    chosen = {"PUBLIC_URL": "https://auth.example.com", "SECRETS": str(tmp_path)}
    subprocess.run(command, cwd=tmp_path, env=chosen, check=True)
    for lacking in chosen:
        env = {name: text for name, text in chosen.items() if name != lacking}
        refused = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert refused.returncode != 0
        assert lacking in refused.stderr


@pytest.mark.slow
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for name, text in UNITS.items():
        (tmp_path / name).write_text(re.sub(r"/opt/auth/\.venv/bin/\w+", sys.executable, text))
    command = [tool("systemd-analyze"), "verify", *(str(tmp_path / name) for name in UNITS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
