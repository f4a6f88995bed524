"""A provider behind a forward proxy, as the usual variables name it."""

from pathlib import Path

import pytest

from tests.faults.test_tls import Provider, certificate
from tests.support import chat
from tests.support.servers.forward_proxy import ForwardProxy
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, stream, whole

__all__ = ["certificate"]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_provider_behind_a_proxy(variable: str, tmp_path: Path, provider: Upstream, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("One.")), stream(chat.text("Two."), chat.end()))
    with ForwardProxy() as proxy:
        service = Service(tmp_path, upstream_url=provider.url, workers=1)
        service.environ[variable] = f"http://user:word@127.0.0.1:{proxy.port}"
        with service:
            assert service.create()["output"][0]["content"][0]["text"] == "One."
            assert service.stream()[-1]["response"]["output"][0]["content"][0]["text"] == "Two."
            assert service.get("/v1/models").status == 200
        assert len(proxy.heads) < 3, "a connection is reused"
        assert [sent.headers.get("Proxy-Authorization") for sent in upstream.requests] == ["Basic dXNlcjp3b3Jk"] * 2
        assert proxy.heads[0].startswith(f"POST {provider.url}/chat/completions ")


def test_a_provider_that_no_proxy_exempts(tmp_path: Path, provider: Upstream, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("One.")))
    with ForwardProxy() as proxy:
        service = Service(tmp_path, upstream_url=provider.url, workers=1)
        service.environ.update(HTTP_PROXY=f"http://127.0.0.1:{proxy.port}", NO_PROXY="127.0.0.1")
        with service:
            assert service.create()["output"][0]["content"][0]["text"] == "One."
        assert proxy.heads == []


def test_a_provider_over_tls_behind_a_proxy(certificate: Path, tmp_path: Path) -> None:
    provider = Provider(certificate)
    try:
        with ForwardProxy() as proxy:
            service = Service(tmp_path / "service", upstream_url=provider.url, workers=1)
            service.environ.update(
                REQUESTS_CA_BUNDLE=str(certificate), HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}"
            )
            with service:
                for _ in range(2):
                    assert service.stream()[-1]["response"]["output"][0]["content"][0]["text"] == "Hello"
            assert [head.partition(" ")[0] for head in proxy.heads] == ["CONNECT"]
    finally:
        provider.close()


def test_a_proxy_that_is_down_is_named_in_the_log(tmp_path: Path, provider: Upstream) -> None:
    service = Service(tmp_path, upstream_url=provider.url, workers=1)
    service.environ["HTTP_PROXY"] = "http://127.0.0.1:1"
    with service:
        assert service.post({"model": "m", "input": "Hi"}).status == 503
        assert "upstream unreachable" in service.log
        assert '"cause":"proxy"' in service.log
        assert "Connection refused" in service.log
