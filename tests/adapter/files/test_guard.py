"""The outbound guard: which addresses and hosts may be fetched from, and what a server can make it do."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from urllib3.util import connection

from adapter.files.guard import Fetched, FetchFailed, Guard, HostNotAllowed, is_public
from tests.support.servers.web_server import WebServer, http_response, web_server

PUBLIC = "93.184.215.14"
MOST = 1000


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as web:
        yield web


@pytest.fixture
def guard(web: WebServer) -> Guard:
    return Guard([web.host])


def fetch(guard: Guard, url: str, seconds: float = 10) -> Fetched:
    return guard.fetch(url, max_bytes=MOST, seconds=seconds, slot=nullcontext())


def refusal(guard: Guard, url: str, seconds: float = 10) -> str:
    with pytest.raises(FetchFailed) as caught:
        fetch(guard, url, seconds)
    return str(caught.value)


# --- addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["8.8.8.8", PUBLIC, "100.63.255.255", "172.32.0.1", "2606:4700::1111", "2a00::1"])
def test_an_address_of_the_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.9.9.9", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
        "198.51.100.1", "203.0.113.1", "224.0.0.1", "233.252.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "168.63.129.16",
        "::", "::1", "::7f00:1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1",
        "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
        "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not(address: str) -> None:
    assert not is_public(address)


# --- hosts -------------------------------------------------------------------------------------------------------

ALLOWED = [
    ("a.example", "http://a.example/x"),
    ("a.example", "https://A.Example./x"),
    ("A.example", "http://a.example:80/x"),
    ("a.example:8080", "https://a.example:8080/x"),
    ("*.example", "http://a.example/x"),
    ("*.example", "http://b.a.example/x"),
    ("*", "http://a.example/x"),
    ("*", f"http://{PUBLIC}/x"),
    ("*:8080", "http://a.example:8080/x"),
]
NOT_ALLOWED = [
    ("", "http://a.example/x"),
    ("b.example", "http://a.example/x"),
    ("a.example", "http://a.example:8080/x"),
    ("a.example", "http://a.example:443/x"),
    ("a.example", "http://b.a.example/x"),
    ("a.example:8080", "http://a.example/x"),
    ("*.example", "http://example/x"),
    ("*.example", "http://badexample/x"),
    ("*.example", "http://a.example.org/x"),
    ("*", "http://a.example:8080/x"),
    ("127.0.0.1", "http://127.1/x"),
]


class Resolver:
    """Names and their addresses; every name has all of them. Connections are refused and recorded."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.lookups: list[str] = []
        self.connections: list[tuple[str, int]] = []

    def getaddrinfo(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        self.lookups.append(host)
        if not self.addresses:
            raise socket.gaierror("no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.addresses]

    def connect(self, address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        self.connections.append(address)
        raise ConnectionRefusedError


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    resolver = Resolver(PUBLIC)
    monkeypatch.setattr(socket, "getaddrinfo", resolver.getaddrinfo)
    monkeypatch.setattr(connection, "create_connection", resolver.connect)
    return resolver


@pytest.mark.parametrize(("pattern", "url"), ALLOWED)
def test_a_host_that_is_allowed_is_connected_to(resolver: Resolver, pattern: str, url: str) -> None:
    assert refusal(Guard([pattern]), url) == "its server could not be reached"
    assert [host for host, _ in resolver.connections] == [PUBLIC]


@pytest.mark.parametrize("host", ["a..example", ".example", "..", "a" * 64 + ".example", "." * 99])
def test_a_name_that_none_can_have_is_not_even_looked_up(resolver: Resolver, host: str) -> None:
    assert refusal(Guard(["*"]), f"http://{host}/x") == "its host has no public address"
    assert resolver.lookups == []


@pytest.mark.parametrize(("pattern", "url"), NOT_ALLOWED)
def test_a_host_that_is_not_allowed_is_not_even_looked_up(resolver: Resolver, pattern: str, url: str) -> None:
    with pytest.raises(HostNotAllowed):
        fetch(Guard([pattern] if pattern else []), url)
    assert resolver.lookups == []


@pytest.mark.parametrize("pattern", ["*", "*.example"])
@pytest.mark.parametrize("addresses", [["10.0.0.7"], [PUBLIC, "127.0.0.1"], ["::1"], []])
def test_a_pattern_does_not_lead_into_the_network(resolver: Resolver, pattern: str, addresses: list[str]) -> None:
    resolver.addresses = addresses
    assert refusal(Guard([pattern]), "http://a.example/x") == "its host has no public address"
    assert resolver.connections == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_admin_address_is_closed_although_its_host_is_allowed(host: str) -> None:
    guard = Guard([f"{host}:9464"], closed_port=9464)
    with pytest.raises(HostNotAllowed):
        fetch(guard, f"http://{host}:9464/metrics")


@pytest.mark.parametrize("host", ["127.0.0.1", "0", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"])
def test_no_way_to_write_this_machine_is_public(host: str) -> None:
    assert refusal(Guard(["*"]), f"http://{host}/x") == "its host has no public address"


def test_a_host_that_is_allowed_by_name_may_have_any_address(resolver: Resolver) -> None:
    resolver.addresses = ["10.0.0.7"]
    assert refusal(Guard(["files.internal", "*"]), "http://files.internal/x") == "its server could not be reached"
    assert resolver.connections == [("10.0.0.7", 80)]


def test_the_connection_goes_where_the_check_looked(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    def changing(*arguments: Any, **options: Any) -> list[Any]:
        found = resolver.getaddrinfo(*arguments, **options)
        resolver.addresses = ["127.0.0.1"]
        return found

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    refusal(Guard(["*"]), "https://rebinding.example/x")
    assert resolver.lookups == ["rebinding.example"]
    assert resolver.connections == [(PUBLIC, 443)]


def test_the_next_address_is_tried(resolver: Resolver) -> None:
    resolver.addresses = [PUBLIC, "8.8.8.8", PUBLIC, "8.8.4.4", "1.1.1.1", "9.9.9.9"]
    refusal(Guard(["*"]), "http://a.example/x")
    assert [host for host, _ in resolver.connections] == [PUBLIC, "8.8.8.8", "8.8.4.4", "1.1.1.1"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "its URL is not an http or https URL"),
        ("ftp://a.example/x", "its URL is not an http or https URL"),
        ("gopher://a.example/x", "its URL is not an http or https URL"),
        ("a.example/x", "its URL is not an http or https URL"),
        ("http:///x", "its URL is not an http or https URL"),
        ("", "its URL is not an http or https URL"),
        ("http://[::1/x", "its URL is not valid"),
        ("http://a.example:99999/x", "its URL is not valid"),
        ("http://me:secret@a.example/x", "its URL holds a user name or password, which are not sent anywhere"),
        ("http://a.example/" + "x" * 9000, "its URL is longer than 8192 characters"),
    ],
)
def test_what_is_no_url_to_fetch(resolver: Resolver, url: str, reason: str) -> None:
    assert refusal(Guard(["*"]), url) == reason
    assert resolver.lookups == []


# --- servers -----------------------------------------------------------------------------------------------------


def test_a_file_is_fetched(web: WebServer, guard: Guard) -> None:
    web.responses["/a%20b?c=d"] = http_response(b"Hello", content_type="text/plain; charset=utf-8", content_length="5")
    assert fetch(guard, f"{web.url}/a b?c=d#e") == Fetched(b"Hello", "text/plain; charset=utf-8")
    ((_, headers),) = web.requests
    assert dict(headers) == {
        "Host": web.host, "User-Agent": "responses-adapter", "Accept": "*/*", "Accept-Encoding": "identity",
    }  # fmt: skip


BODIES = {
    "until the end": http_response(b"Hello"),
    "in chunks": http_response(b"3\r\nHel\r\n2\r\nlo\r\n0\r\n\r\n", transfer_encoding="chunked"),
    "of a size": http_response(b"Hello and more", content_length="5"),
    "of another success": http_response(b"Hello", status=203),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body(name: str, web: WebServer, guard: Guard) -> None:
    web.responses["/"] = BODIES[name]
    assert fetch(guard, web.url).data == b"Hello"


BAD_ANSWERS = {
    "not found": (http_response(b"No", status=404), "its server answered with status 404"),
    "not modified": (http_response(status=304), "its server answered with status 304"),
    "too large": (http_response(b"x" * (MOST + 1)), f"it is larger than {MOST} bytes"),
    "too large in chunks": (http_response(b"400\r\n%b\r\n0\r\n\r\n" % (b"x" * 0x400), transfer_encoding="chunked"),
                            f"it is larger than {MOST} bytes"),
    "compressed": (http_response(b"x", content_encoding="gzip"), "its server sends it compressed"),
    "cut": (http_response(b"Hel", content_length="5"), "the connection to its server failed"),
    "cut in chunks": (http_response(b"5\r\nHel", transfer_encoding="chunked"), "the connection to its server failed"),
    "a chunk of nonsense": (
        http_response(b"zz\r\nHel", transfer_encoding="chunked"), "the connection to its server failed"
    ),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", "the connection to its server failed"),
    "nothing": (b"", "the connection to its server failed"),
    "a head without end": (b"HTTP/1.1 200 OK\r\n" + b"x" * 70000, "the connection to its server failed"),
    "redirected nowhere": (http_response(status=302, location="http://[::1/"), "its URL is not valid"),
    "redirected to a file": (
        http_response(status=302, location="file:///etc/passwd"), "its URL is not an http or https URL"
    ),
    "redirected to itself": (http_response(status=302, location="/"), "its server redirects more than 3 times"),
    "redirected with a password": (
        http_response(status=302, location="http://a:b@127.0.0.1/"), "its URL holds a user name"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_a_bad_answer(name: str, web: WebServer, guard: Guard) -> None:
    web.responses["/"], reason = BAD_ANSWERS[name]
    assert refusal(guard, web.url).startswith(reason)


def test_a_server_that_says_nothing(web: WebServer, guard: Guard) -> None:
    assert refusal(guard, f"{web.url}/silence", 0.2) == "the connection to its server failed"


def test_three_redirects_are_followed_without_cookies(web: WebServer, guard: Guard) -> None:
    for at, status in enumerate((301, 307, 308)):
        web.responses[f"/{at}"] = http_response(status=status, location=f"{at + 1}", set_cookie="a=b")
    web.responses["/3"] = http_response(b"there")
    assert fetch(guard, f"{web.url}/0").data == b"there"
    assert [path for path, _ in web.requests] == ["/0", "/1", "/2", "/3"]
    assert all("Cookie" not in headers for _, headers in web.requests)


def test_a_redirect_is_checked_like_the_first_url(web: WebServer) -> None:
    guard = Guard([web.host, "*"])
    with web_server() as inner:
        inner.responses["/"] = http_response(b"secret")
        web.responses["/"] = http_response(status=302, location=inner.url)
        with pytest.raises(HostNotAllowed):
            fetch(guard, web.url)
        for host in ("127.0.0.1", "localhost", "169.254.169.254"):
            web.responses["/"] = http_response(status=302, location=f"http://{host}/")
            assert refusal(guard, web.url) == "its host has no public address"
        assert inner.requests == []


def test_nothing_of_the_environment_is_used(web: WebServer, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    web.responses["/"] = http_response(b"direct")
    assert fetch(guard, web.url).data == b"direct"


# --- TLS ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A web with a certificate for files.example, which is trusted; every name leads to it."""
    if shutil.which("openssl") is None:
        if os.environ.get("CI"):
            pytest.fail("openssl is not installed")
        pytest.skip("NOT TESTED: files over TLS, because openssl is not installed")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=test",
         "-addext", "subjectAltName=DNS:files.example", "-keyout", tmp_path / "key", "-out", tmp_path / "cert"],
        check=True, capture_output=True,
    )  # fmt: skip
    both = tmp_path / "both"
    both.write_bytes((tmp_path / "key").read_bytes() + (tmp_path / "cert").read_bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(both))
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1", *rest, **more))
    with web_server(both) as web:
        web.responses["/"] = http_response(b"sealed")
        yield web


def test_the_certificate_is_that_of_the_name(tls: WebServer) -> None:
    port = tls.server_port
    guard = Guard([f"files.example:{port}", f"other.example:{port}"])
    assert fetch(guard, f"https://files.example:{port}/").data == b"sealed"
    assert tls.tls_names == ["files.example"]
    assert tls.requests[0][1]["Host"] == f"files.example:{port}"
    assert refusal(guard, f"https://other.example:{port}/") == "the connection to its server failed"


def test_a_certificate_that_nobody_vouches_for(tls: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    url = f"https://files.example:{tls.server_port}/"
    assert refusal(Guard([f"files.example:{tls.server_port}"]), url) == "the connection to its server failed"
    assert tls.requests == []
