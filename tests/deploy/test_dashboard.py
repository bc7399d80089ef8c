"""The Grafana dashboard and the alert rules name metrics and labels that the service exposes."""

import json
import re

import yaml

from tests.support.server import ROOT
from utils.observability.metrics import Metrics

DEPLOY = ROOT / "deploy"


def exposed() -> dict[str, set[str]]:
    """Return every series that `/metrics` can expose, with its labels."""
    found: dict[str, set[str]] = {}
    for collector in (value for value in vars(Metrics()).values() if hasattr(value, "_labelnames")):
        labels = set(collector._labelnames)
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
        for suffix in suffixes.get(collector._type, [""]):
            found[f"{collector._name}{suffix}"] = labels | ({"le"} if suffix == "_bucket" else set())
    return found


def expressions() -> list[str]:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text("utf-8"))
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text("utf-8"))
    return [
        *(rule["expr"] for group in rules["groups"] for rule in group["rules"]),
        *(target["expr"] for panel in board["panels"] for target in panel["targets"]),
    ]


def unknown_in(expression: str) -> list[str]:
    """Return the metrics and labels of an expression that the service does not expose."""
    real, of_prometheus = exposed(), {"job", "instance"}
    faults = [name for name in re.findall(r"\bauth_\w+", expression) if name not in real]
    for name, matchers in re.findall(r"\b(auth_\w+)\{(.*?)\}", expression):
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', '""', matchers)))
        faults += sorted(labels - real.get(name, set()) - of_prometheus)
    grouped = {label for group in re.findall(r"by \((.*?)\)", expression) for label in group.split(", ")}
    return faults + sorted(grouped - set().union(*real.values()) - of_prometheus)


def test_dashboard_and_alerts_use_existing_metrics() -> None:
    assert [fault for expression in expressions() for fault in unknown_in(expression)] == []
    shown = {name for expression in expressions() for name in re.findall(r"\bauth_\w+", expression)}
    assert shown == set(exposed()), "each metric is shown, or it need not be counted"
    assert unknown_in('sum by (who) (rate(auth_sign_ins_totals{outcome="x"}[5m]))') == [
        "auth_sign_ins_totals",
        "outcome",
        "who",
    ]
