"""docs/metrics.md lists every metric as it is; the dashboard and the alerts use no others."""

import json
import re
from pathlib import Path

import pytest
import yaml

from adapter.telemetry.catalog import METRICS, PREFIX
from tests.docs.guides.metrics import PAGE, render

TEXT = PAGE.read_text()
DEPLOY = Path(__file__).parents[3] / "deploy"
DASHBOARD = DEPLOY / "grafana-dashboard.json"
ALERTS = DEPLOY / "prometheus-alerts.yaml"
NAMES = {metric.name for metric in METRICS.values()}


def test_the_table_is_that_of_the_catalog() -> None:
    assert render(TEXT) == TEXT, "stale: run python -m tests.docs.guides.metrics"


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_names_and_words_follow_the_rules(metric: object) -> None:
    name, kind, help = metric.name, metric.kind, metric.help  # type: ignore[attr-defined]
    assert re.fullmatch(rf"{PREFIX}[a-z][a-z_]+", name)
    assert name.endswith("_total") == (kind == "counter")
    assert kind != "histogram" or name.endswith("_seconds")
    assert help.endswith(".")
    assert "|" not in help


def names_in(text: str) -> set[str]:
    found = set(re.findall(rf"{PREFIX}[a-z_]+", text))
    return {name if name in NAMES else re.sub("_(bucket|sum|count)$", "", name) for name in found}


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    assert names_in(DASHBOARD.read_text()) == NAMES
    assert json.loads(DASHBOARD.read_text())["schemaVersion"] >= 39


def test_the_alerts_use_no_other_metrics() -> None:
    assert names_in(ALERTS.read_text()) <= NAMES


def test_the_alerts_are_rules_that_prometheus_loads() -> None:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    assert len({rule["alert"] for rule in group["rules"]}) == len(group["rules"]) > 5
    labels = {label for metric in METRICS.values() for label in metric.labels} | {"instance"}
    for rule in group["rules"]:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert re.fullmatch(r"\d+m", rule.get("for", "0m"))
        assert set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"]))) <= labels


def test_the_alert_for_a_server_that_is_down_names_the_job_of_the_page() -> None:
    jobs = set(re.findall(r"job_name: (\S+)", TEXT + (DEPLOY / "compose.yaml").read_text()))
    assert set(re.findall(r'up\{job="(.*?)"\}', ALERTS.read_text())) == jobs
