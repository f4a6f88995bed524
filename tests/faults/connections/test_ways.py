"""Ways to a provider: what its URL, its headers and its certificates need."""

import re
from pathlib import Path

import pytest

from tests.faults.test_tls import Provider, certificate
from tests.support import chat
from tests.support.servers.forward_proxy import SocksProxy
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, stream, whole

__all__ = ["certificate"]

HELLO = whole(chat.completion("Hello."))


def test_a_query_and_headers(tmp_path: Path, provider: Upstream, upstream: Upstream) -> None:
    """As for a deployment of Azure's, whose URL is copied as it is."""
    upstream.plays(HELLO, HELLO)
    base = provider.url.removesuffix("/v1") + "/openai/deployments/gpt4"
    toml = f"""
    [upstreams.azure]
    url = "{base}"
    query = {{ api-version = "2024-10-21", code = "env:CODE" }}
    headers = {{ api-key = "env:CODE" }}
    [models]
    "a-*" = "azure"
    """
    service = Service(
        tmp_path, toml=toml, workers=1, upstream_url=f"{base}/chat/completions?api-version=2024-10-21",
        upstream_headers="HTTP-Referer: https://example.com, api-key: of-the-default",
    )  # fmt: skip
    service.environ["CODE"] = "a b&c"
    with service:
        service.create(model="a-1")
        service.create(model="m")
    of_azure, of_default = upstream.requests
    path = "/openai/deployments/gpt4/chat/completions?api-version=2024-10-21"
    assert of_azure.path == path + "&code=a+b%26c"
    assert of_azure.headers["api-key"] == "a b&c"
    assert of_default.path == path
    assert (of_default.headers["http-referer"], of_default.headers["api-key"]) == (
        "https://example.com", "of-the-default",
    )  # fmt: skip
    assert "authorization" not in of_default.headers


@pytest.mark.parametrize("scheme", ["socks5h", "socks5"])
def test_a_socks_proxy(scheme: str, tmp_path: Path, provider: Upstream, upstream: Upstream) -> None:
    upstream.plays(HELLO, stream(chat.text("Hel", "lo."), chat.end()))
    with SocksProxy() as proxy:
        service = Service(tmp_path, upstream_url=provider.url.replace("127.0.0.1", "localhost"), workers=1)
        service.environ["ALL_PROXY"] = f"{scheme}://127.0.0.1:{proxy.port}"
        with service:
            service.create()
            assert service.stream()[-1]["response"]["status"] == "completed"
        assert proxy.heads == ["localhost" if scheme == "socks5h" else "127.0.0.1"]


def test_a_provider_over_tls_behind_a_socks_proxy(certificate: Path, tmp_path: Path) -> None:
    provider = Provider(certificate)
    try:
        with SocksProxy() as proxy:
            service = Service(tmp_path / "service", upstream_url=provider.url, upstream_ca_file=certificate, workers=1)
            service.environ["HTTPS_PROXY"] = f"socks5h://127.0.0.1:{proxy.port}"
            with service:
                assert service.stream()[-1]["response"]["output"][0]["content"][0]["text"] == "Hello"
            assert proxy.heads == ["127.0.0.1"]
    finally:
        provider.close()


def test_a_company_authority_and_a_client_certificate(certificate: Path, tmp_path: Path) -> None:
    """The provider accepts only clients with a certificate; one upstream has it, the other does not."""
    provider = Provider(certificate, client_authority=certificate)
    toml = f"""
    [upstreams.without]
    url = "{provider.url}"
    ca = "{certificate}"
    [models]
    "without-*" = "without"
    """
    try:
        with Service(
            tmp_path / "service", toml=toml, workers=1, upstream_url=provider.url, upstream_ca_file=certificate,
            upstream_certificate=tmp_path / "cert.pem", upstream_certificate_key=tmp_path / "key.pem",
        ) as service:  # fmt: skip
            assert service.post({"model": "without-1", "input": "Hi"}).status == 503
            assert '"cause":"tls"' in service.log
            # The provider's alert may be lost, since it closes the connection at once.
            assert re.search("certificate required|eof occurred", service.log.lower())
            assert service.stream()[-1]["response"]["output"][0]["content"][0]["text"] == "Hello"
    finally:
        provider.close()
