"""The files of deploy/ and the Containerfile fit the settings, paths and limits of the adapter."""

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapter import create_app
from adapter.settings.kinds import split_address
from adapter.settings.settings import DESCRIPTIONS, Settings
from adapter.settings.sources import load_settings

ROOT = Path(__file__).parents[3]
FILES = [ROOT / "Containerfile", *sorted(path for path in (ROOT / "deploy").rglob("*") if path.is_file())]
VARIABLES = {of.variable for of in DESCRIPTIONS.values()}
GRACE = Settings().shutdown_grace


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    assert set(re.findall(r"ADAPTER_[A-Z_]+[A-Z]", path.read_text())) <= VARIABLES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_probes_are_paths_of_the_adapter(path: Path) -> None:
    paths = {rule.rule for rule in create_app(Settings(store="memory:", upstream_url="http://h/v1")).url_map.iter_rules()}
    assert set(re.findall(r"/(?:health|ready)z\b", path.read_text())) <= paths


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("compose.yaml", r"stop_grace_period: (\d+)s"),
        ("kubernetes/adapter.yaml", r"terminationGracePeriodSeconds: (\d+)"),
        ("responses-adapter.service", r"TimeoutStopSec=(\d+)"),
    ],
)
def test_a_stop_may_take_longer_than_the_grace_time(name: str, pattern: str) -> None:
    (seconds,) = re.findall(pattern, (ROOT / "deploy" / name).read_text())
    assert int(seconds) >= GRACE + 10


def test_the_socket_unit_has_the_addresses_of_the_settings_in_the_order_of_the_server() -> None:
    text = (ROOT / "deploy" / "responses-adapter.socket").read_text()
    bind, admin_bind = re.findall(r"^ListenStream=(.*)$", text, re.M)
    assert bind == Settings().bind
    assert f"ADAPTER_ADMIN_BIND={admin_bind} " in (ROOT / "docs" / "metrics.md").read_text()
    backlog = f"_BACKLOG: Final = {re.findall(r'^Backlog=(.*)$', text, re.M)[0]}\n"
    assert backlog in (ROOT / "adapter" / "server" / "server.py").read_text()


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not installed, so the units are not verified")
    units = [tmp_path / f"responses-adapter.{kind}" for kind in ("service", "socket")]
    for unit in units:
        text = (ROOT / "deploy" / unit.name).read_text()
        unit.write_text(text.replace("/opt/responses-adapter/bin/responses-adapter", sys.executable))
    done = subprocess.run([verify, "verify", *units], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_nginx_lets_through_what_the_adapter_takes() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text()
    (server,) = re.findall(r"^server \{\n(.*?)^\}", page, re.M | re.S)
    sizes = dict(re.findall(r"location (?:~ )?(\S+) \{.*?client_max_body_size (\d+)m;", server, re.S))
    assert sizes.keys() == {"/", "/files$"}
    assert int(sizes["/"]) << 20 == Settings().max_body_bytes
    assert int(sizes["/files$"]) << 20 > Settings().max_file_bytes
    paths = {rule.rule for rule in create_app(Settings(store="memory:", upstream_url="http://h/v1")).url_map.iter_rules()}
    assert any(re.search("/files$", path) for path in paths)


def test_the_image_has_what_the_package_needs() -> None:
    copied = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.M))
    assert copied == {"adapter", "translators", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"}
    text = (ROOT / "Containerfile").read_text()
    assert all(f"COPY {name} {name}" in text or f" {name} " in text for name in copied)
    assert re.search(r"^USER 65532:65532$", text, re.M)
    (port,) = re.findall(r"^EXPOSE (\d+)$", text, re.M)
    assert f"0.0.0.0:{port}" in text
    assert f"127.0.0.1:{port}/healthz" in text
    assert "PYTHONDONTWRITEBYTECODE" not in text or "-m compileall" in text, "each start compiles the packages"


def test_the_package_says_who_and_where() -> None:
    text = (ROOT / "setup.cfg").read_text()
    for member in ("author", "license_expression", "license_files", "keywords", "classifiers", "long_description"):
        assert re.search(rf"^{member} = ?", text, re.M), f"the package has no {member}"


def test_the_compose_file_gives_settings_that_can_be_used() -> None:
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    adapter = compose["services"]["adapter"]
    settings = load_settings({}, filled_in(adapter["environment"]))
    assert adapter["ports"] == [f"8000:{port_of(settings.bind)}"]
    assert (adapter["read_only"], adapter["cap_drop"]) == (True, ["ALL"])
    assert adapter["env_file"] == [{"path": ".env", "required": False}], "else most settings of .env have no effect"
    assert adapter["logging"]["options"].keys() == {"max-size", "max-file"}
    scraped = yaml.safe_load(compose["configs"]["prometheus"]["content"])["scrape_configs"][0]
    assert settings.admin_bind is not None
    assert scraped["static_configs"] == [{"targets": [f"adapter:{port_of(settings.admin_bind)}"]}]
    assert "adapter" in settings.admin_hosts, "Prometheus asks by this name"
    assert (ROOT / "deploy" / compose["configs"]["alerts"]["file"]).is_file()
    profiles = {name: one["profiles"] for name, one in compose["services"].items() if "profiles" in one}
    assert profiles == {"postgres": ["postgres"], "redis": ["redis"], "prometheus": ["observability"]}
    assert adapter["depends_on"].keys() == profiles.keys() - {"prometheus"}
    mounted = {volume.partition(":")[0] for one in compose["services"].values() for volume in one.get("volumes", ())}
    assert mounted == compose["volumes"].keys()


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_the_stores_that_the_compose_file_offers_can_be_used(name: str) -> None:
    text = (ROOT / "deploy" / "compose.yaml").read_text()
    (url,) = re.findall(rf"ADAPTER_STORE=(\S+@?{name}\S*)", text)
    store = load_settings({}, {"ADAPTER_STORE": url}).store_url
    assert store.kind.startswith(name)
    assert f"@{name}/" in url or f"//{name}:" in url


def test_the_kubernetes_manifests_give_settings_that_can_be_used() -> None:
    folder = ROOT / "deploy" / "kubernetes"
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    text = (folder / "adapter.yaml").read_text()
    found = {one["kind"]: one for name in listed for one in yaml.safe_load_all((folder / name).read_text())}
    secrets = dict.fromkeys(re.findall(r"--from-literal=(\w+)=", text), "${A:?}")
    settings = load_settings({}, filled_in({**secrets, **found["ConfigMap"]["data"]}))
    pod = found["Deployment"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert settings.admin_bind is not None
    assert ports == {"http": port_of(settings.bind), "metrics": port_of(settings.admin_bind)}
    assert found["Service"]["spec"]["ports"][0]["targetPort"] in ports
    labels = pod["metadata"]["labels"]
    for one in ("Deployment", "PodDisruptionBudget"):
        assert found[one]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert {mount["name"] for mount in container["volumeMounts"]} == {one["name"] for one in pod["spec"]["volumes"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in ports
    references = {next(iter(one.values()))["name"] for one in container["envFrom"]}
    assert references == {found["ConfigMap"]["metadata"]["name"], "responses-adapter"}


CLEAN = {"name": "a", "version": "1", "vulns": []}
VULNERABLE = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}]}
SKIPPED = {"name": "c", "skip_reason": "c could not be found"}


@pytest.mark.parametrize(
    ("packages", "code", "begins"),
    [
        ([CLEAN], 0, ["audit: no vulnerability is known of 1 packages."]),
        ([CLEAN, VULNERABLE], 1, ["b 2: CVE-1, fixed in 2.1"]),
        ([CLEAN, SKIPPED], 2, ["audit: 1 of 2 packages were not looked up: c could not be found. Run it where "]),
        ([SKIPPED, VULNERABLE], 2, ["b 2: CVE-1, fixed in 2.1", "audit: 1 of 2 packages were not looked up: c "]),
    ],
)
def test_an_audit_that_could_not_look_everything_up_fails(
    packages: list[dict[str, Any]], code: int, begins: list[str]
) -> None:
    found, lines = runpy.run_path(str(ROOT / "deploy" / "audit.py"))["judge"](packages)
    assert found == code
    assert [line[: len(begin)] for line, begin in zip(lines, begins, strict=True)] == begins


def filled_in(environment: dict[str, str]) -> dict[str, str]:
    """Return variables with a value in each place that an operator fills in."""
    values = {
        "ADAPTER_STORE": "postgresql+psycopg://user:password@host/database",
        "ADAPTER_UPSTREAM_URL": "http://provider.example/v1",
    }
    return {
        name: re.sub(r"\$\{.*?\}", "a" * 32, value) if "postgres" in value or "$" not in value
        else values.get(name, "a" * 32)
        for name, value in environment.items()
    }  # fmt: skip


def port_of(address: str) -> int:
    return split_address(address)[1]
