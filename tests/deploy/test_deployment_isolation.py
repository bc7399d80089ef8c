"""Isolation in the deployment files: networks, passwords and cluster policies."""

import re
from typing import Any

import pytest
import yaml

from app import create_app
from auth.accounts import data_export
from auth.admin.address_probe import spellings
from auth.mailing.messages import MAILS
from config_checks import PAGES
from tests.deploy.test_deployment import COMPOSE, DEPLOY, KINDS, KUBERNETES, SERVICES
from utils.client_info import IPV6_SHARES
from utils.database.deadlines import ANSWER_TIMEOUT
from utils.serving import server
from utils.web.http import MAX_BODY


def test_compose_exposes_only_the_proxy() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    outside = {
        name: service["networks"] for name, service in SERVICES.items() if service["networks"] != ["inside"]
    }
    assert outside == {"proxy": ["inside", "edge"], "app": ["inside", "mail"]}
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"proxy"}


def test_compose_services_require_a_password() -> None:
    (command,) = SERVICES["valkey"]["command"][2:]
    assert command.startswith("{ printf 'requirepass '; cat /run/secrets/valkey_password; } |")
    assert "--auth-host=scram-sha-256" in SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]


def test_cluster_enforces_pod_security_and_exposes_only_the_api() -> None:
    labels = KINDS["Namespace"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    (rule,) = KINDS["Ingress"]["spec"]["rules"]
    assert KINDS["Ingress"]["spec"]["tls"][0]["hosts"] == [rule["host"]]
    assert KINDS["ConfigMap"]["data"]["TRUSTED_PROXIES"] == "1"
    assert "type" not in KINDS["Service"]["spec"]  # inside the cluster only
    wall = KINDS["NetworkPolicy"]["spec"]
    assert wall["podSelector"] == {"matchLabels": KINDS["Deployment"]["spec"]["selector"]["matchLabels"]}
    assert wall["policyTypes"] == ["Ingress"]
    (door,) = wall["ingress"]
    assert all(peer.keys() == {"namespaceSelector"} and peer["namespaceSelector"] for peer in door["from"])
    assert [port["port"] for port in door["ports"]] == ["http"]


def passed(path: str) -> bool:
    """Return whether the Ingress passes a path on."""
    (rule,) = KINDS["Ingress"]["spec"]["rules"]
    return any(
        path == entry["path"] or (entry["pathType"] == "Prefix" and path.startswith(f"{entry['path']}/"))
        for entry in rule["http"]["paths"]
    )


def test_ingress_passes_the_api_and_the_screens() -> None:
    rules = create_app("testing").url_map.iter_rules()
    public = ("auth.", "oauth.", "oauth_account.", "pages.", "well_known.")
    served = {rule.rule: rule.endpoint.startswith(public) for rule in rules}
    assert {path: passed(path) for path in served} == served


def test_ingress_opens_every_mailed_link() -> None:
    links = {f"link_{name}" for links in MAILS.values() for name in links}
    assert links == set(PAGES) - {"link_authorize"}  # which no mail has
    assert {name: passed(PAGES[name]) for name in links} == dict.fromkeys(links, True)


def test_ingress_controller_overwrites_the_address_header() -> None:
    written = KUBERNETES["client-address.yaml"]
    name = KINDS["ConfigMap"]["data"]["CLIENT_ADDRESS_HEADER"]
    assert "-" not in name
    assert written["data"] == {name: "$remote_addr"}
    named = f"{written['metadata']['namespace']}/{written['metadata']['name']}"
    assert f'"proxy-set-headers": "{named}"' in (DEPLOY / "kubernetes/client-address.yaml").read_text("utf-8")


def traefik(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "traefik" / name).read_text("utf-8"))
    return found


def test_traefik_removes_other_spellings_of_its_address_header() -> None:
    """Traefik writes no header without a hyphen."""
    for entry_point in traefik("traefik.yaml")["entryPoints"].values():
        assert entry_point["http"]["underscoreHeadersStrategy"] == "delete"
    http = traefik("auth.yaml")["http"]
    removed = http["middlewares"]["one-spelling"]["headers"]["customRequestHeaders"]
    assert removed == dict.fromkeys(set(spellings("X-Forwarded-For")) - {"X-Forwarded-For"}, "")
    assert "one-spelling" in http["routers"]["auth"]["middlewares"]


def test_traefik_counts_requests_by_the_ipv6_network_of_a_subscriber() -> None:
    http = traefik("auth.yaml")["http"]
    assert http["middlewares"]["at-once"]["inFlightReq"]["sourceCriterion"] == {
        "ipStrategy": {"ipv6Subnet": max(IPV6_SHARES)}
    }


def test_shipped_proxies_close_idle_connections_before_the_service_does() -> None:
    http = traefik("auth.yaml")["http"]
    transport = http["serversTransports"][http["services"]["auth"]["loadBalancer"]["serversTransport"]]
    text = (DEPLOY / "caddy" / "Caddyfile").read_text("utf-8")
    caddy = re.findall(r"^\t\t\tkeepalive (\w+)", text, re.MULTILINE)
    assert [*caddy, transport["forwardingTimeouts"]["idleConnTimeout"]] == ["5s", "5s"]
    assert server.HEADER_TIMEOUT > 5


def test_caddy_reads_the_largest_body_whole() -> None:
    text = (DEPLOY / "caddy" / "Caddyfile").read_text("utf-8")
    (size,) = re.findall(r"^\t\trequest_buffers (\d+)KiB\b", text, re.MULTILINE)
    assert int(size) * 1024 >= MAX_BODY


def test_traefik_limits_the_time_of_every_request() -> None:
    points = traefik("traefik.yaml")["entryPoints"].values()
    assert [point["transport"]["respondingTimeouts"]["readTimeout"] for point in points] == ["10s", "10s"]


@pytest.mark.parametrize("name", ["traefik.yaml", "auth.yaml"])
def test_traefik_gets_no_empty_mapping(name: str) -> None:
    """It refuses a whole file for most of them."""

    def check(value: Any) -> None:
        assert value not in ({}, [], None)
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
            check(each)

    check(traefik(name))


def test_temporary_files_have_bounded_room_for_all_exports_of_two_processes() -> None:
    (compose,) = SERVICES["app"]["tmpfs"]
    volumes = KINDS["Deployment"]["spec"]["template"]["spec"]["volumes"]
    (cluster,) = [each["emptyDir"]["sizeLimit"] for each in volumes if each["name"] == "tmp"]
    sizes = re.fullmatch(r"/tmp:size=(\d+)m (\d+)Mi", f"{compose} {cluster}")
    assert sizes
    needed = 2 * data_export.AT_ONCE * data_export.MAX_BYTES
    assert needed <= int(sizes[1]) * 2**20 == int(sizes[2]) * 2**20


def test_shipped_proxies_wait_until_an_export_is_written() -> None:
    """Its first byte is sent then, at the latest after one more statement."""
    haproxy = re.search(r"timeout server (\d+)s", (DEPLOY / "haproxy" / "haproxy.cfg").read_text("utf-8"))
    nginx = re.search(r"proxy_read_timeout (\d+)s;", (DEPLOY / "nginx" / "auth.conf").read_text("utf-8"))
    assert haproxy
    assert nginx
    assert min(int(haproxy[1]), int(nginx[1])) > data_export.WRITE_SECONDS + ANSWER_TIMEOUT


def test_traefik_passes_every_mailed_link_and_no_operations_path() -> None:
    routers = traefik("auth.yaml")["http"]["routers"]
    assert routers["auth"]["rule"] == "Host(`auth.example.com`)"
    denied = re.search(r"PathRegexp\(`(.+)`\)", routers["operations"]["rule"])
    assert denied
    assert routers["operations"]["priority"] > len(routers["auth"]["rule"])  # the default is the length
    paths = {"/metrics", "/health/live", "/health/ready"}
    assert all(re.search(denied[1], form) for path in paths for form in (path, f"{path}/", f"/{path}"))
    assert not any(re.search(denied[1], path) for path in PAGES.values())


@pytest.mark.parametrize(
    "path", ["/metrics", "/health/ready", "/docs", "/openapi.json", "/authx", "/nowhere"]
)
def test_ingress_passes_nothing_else(path: str) -> None:
    assert not passed(path)
