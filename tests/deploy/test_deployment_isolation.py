"""Isolation in the deployment files: networks, passwords and cluster policies."""

from tests.deploy.test_deployment import COMPOSE, KINDS, SERVICES


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
    assert [path["path"] for path in rule["http"]["paths"]] == ["/auth"]
    assert KINDS["Ingress"]["spec"]["tls"][0]["hosts"] == [rule["host"]]
    assert KINDS["ConfigMap"]["data"]["TRUSTED_PROXIES"] == "1"
    assert "type" not in KINDS["Service"]["spec"]  # inside the cluster only
    wall = KINDS["NetworkPolicy"]["spec"]
    assert wall["podSelector"] == {"matchLabels": KINDS["Deployment"]["spec"]["selector"]["matchLabels"]}
    assert wall["policyTypes"] == ["Ingress"]
    (door,) = wall["ingress"]
    assert all(peer.keys() == {"namespaceSelector"} and peer["namespaceSelector"] for peer in door["from"])
    assert [port["port"] for port in door["ports"]] == ["http"]
