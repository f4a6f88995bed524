"""Ways to a provider that cannot be used are found before the server starts, each in one line."""

from pathlib import Path
from typing import Any

import pytest

from adapter.settings.settings import Settings, SettingsError
from adapter.upstream.client import Upstream
from adapter.upstream.http.ways import connection_options
from tests.faults.test_tls import certificate

__all__ = ["certificate"]

HTTP, HTTPS = "http://127.0.0.1:9/v1", "https://127.0.0.1:9/v1"
UNUSABLE: dict[str, tuple[str, dict[str, str], dict[str, Any], str]] = {
    "a bundle that is not there": (HTTPS, {"REQUESTS_CA_BUNDLE": "/nope.pem"}, {}, "REQUESTS_CA_BUNDLE: cannot read"),
    "OpenSSL's variable": (HTTPS, {"SSL_CERT_FILE": "/nope.pem"}, {}, "SSL_CERT_FILE: cannot read /nope.pem: No such"),
    "curl's variable": (HTTPS, {"CURL_CA_BUNDLE": "/nope.pem"}, {}, "CURL_CA_BUNDLE: cannot read"),
    "a file without certificates": (HTTPS, {}, {"upstream_ca_file": __file__}, "CA_FILE: .* no certificates"),
    "no client certificate": (HTTPS, {}, {"upstream_certificate": __file__}, "CERTIFICATE: .* PEM"),
    "a client certificate that is not there": (HTTPS, {}, {"upstream_certificate": "/nope.pem"}, "cannot read /nope"),
    "a proxy with a bad port": (HTTP, {"HTTP_PROXY": "http://:bad:port"}, {}, "HTTP_PROXY is not the URL of a proxy"),
    "a proxy without a host": (HTTP, {"http_proxy": "http://"}, {}, "http_proxy is not the URL of a proxy"),
    "another scheme": (HTTPS, {"ALL_PROXY": "ftp://proxy:21"}, {}, "ALL_PROXY is not the URL of a proxy"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
    for name in (*names, "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def options(url: str, **settings: Any) -> dict[str, Any]:
    (upstream,) = Settings(upstream_url=url, **settings).all_upstreams()
    return connection_options(upstream)


@pytest.mark.parametrize("case", UNUSABLE)
def test_what_cannot_be_used(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url, environ, settings, message = UNUSABLE[case]
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=message) as raised:
        options(url, **settings)
    assert "\n" not in str(raised.value)


def test_a_socks_proxy_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "socks5h://127.0.0.1:1080")
    monkeypatch.setattr("adapter.upstream.http.ways.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"HTTP_PROXY: .* pip install 'responses-adapter\[socks\]'"):
        options(HTTP)


def test_what_is_not_used_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nope.pem")
    monkeypatch.setenv("HTTPS_PROXY", "ftp://proxy")
    assert options(HTTP)["verify"] is True


def test_the_file_of_the_settings_comes_before_those_of_the_environment(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert options(HTTPS)["verify"] is True
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert options(HTTPS)["verify"] == str(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", "/nope.pem")
    assert options(HTTPS, upstream_ca_file=str(certificate))["verify"] == str(certificate)


def test_values_of_a_query_and_of_headers_are_secrets() -> None:
    url = "http://h/v1?api-version=2024-10-21&code=of-the-query"
    (upstream,) = Settings(upstream_url=url, upstream_headers=("X-Team: of-the-header",)).all_upstreams()
    redact = Upstream(upstream, heartbeat=None).redactor(None)  # type: ignore[arg-type]  # it sends nothing
    assert redact("2024-10-21 of-the-query of-the-header") == "2024-10-21 *** ***"
    assert upstream.url == "http://h/v1"
    assert upstream.endpoint("/models") == "http://h/v1/models?api-version=2024-10-21&code=of-the-query"
