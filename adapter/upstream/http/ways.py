"""The way to an upstream: the forward proxy, the authorities that are trusted, the client certificate.

The proxy comes from the environment (`HTTPS_PROXY` …), as for other programs; so do the authorities, unless the
settings of the upstream name a file of their own. Whatever cannot be used is found here, before the server starts, and
not with the first request. Source: requests docs, Proxies; OpenSSL, `SSL_CERT_FILE`.
"""

import os
import ssl
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.utils import prepend_scheme_if_needed, select_proxy
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from adapter.settings.settings import SettingsError
from adapter.settings.upstreams import DEFAULT, UpstreamSettings

_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE")
"""Variables that name trusted authorities; the first that is set counts."""
_SOCKS: Final = frozenset({"socks4", "socks4a", "socks5", "socks5h"})


def connection_options(upstream: UpstreamSettings, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return requests' options for the calls of an upstream; raise SettingsError for what cannot be used."""
    url = upstream.endpoint("/chat/completions")
    proxies = requests.Session().merge_environment_settings(url, {}, None, None, None)["proxies"]
    proxy = select_proxy(url, proxies)
    if proxy:
        _check_proxy(proxy, url, environ)
    if not url.startswith("https:"):
        return {"proxies": proxies, "verify": True, "cert": None}
    return {"proxies": proxies, "verify": _authorities(upstream, environ), "cert": _client_certificate(upstream)}


def _check_proxy(proxy: str, url: str, environ: Mapping[str, str]) -> None:
    source = _variable_of(proxy, url, environ)
    try:
        found = parse_url(prepend_scheme_if_needed(proxy, "http"))  # type: ignore[no-untyped-call]
    except (LocationParseError, ValueError):
        raise SettingsError(f"{source} is not the URL of a proxy, for example http://proxy.example.com:3128.") from None
    if found.scheme in _SOCKS and find_spec("socks") is None:
        raise SettingsError(
            f"{source}: a SOCKS proxy needs the package PySocks, which is not installed: "
            "pip install 'responses-adapter[socks]'"
        )
    if not found.host or found.scheme not in _SOCKS | {"http", "https"}:
        raise SettingsError(f"{source} is not the URL of a proxy, for example http://proxy.example.com:3128.")


def _variable_of(proxy: str, url: str, environ: Mapping[str, str]) -> str:
    """Return the variable that names a proxy; its value may hold a password, and is not shown."""
    names = [f"{urlsplit(url).scheme}_proxy", "all_proxy"]
    names += [name.upper() for name in names]
    return next((name for name in names if environ.get(name) == proxy), "the system's proxy settings")


def _authorities(upstream: UpstreamSettings, environ: Mapping[str, str]) -> str | bool:
    """Return the file or folder of the trusted authorities; True: those that come with requests."""
    named = [(variable, environ[variable]) for variable in _BUNDLES if environ.get(variable)]
    if upstream.ca is not None:
        named = [(_source(upstream, "ca"), upstream.ca)]
    for source, path in named[:1]:
        try:
            ssl.create_default_context(capath=path) if os.path.isdir(path) else ssl.create_default_context(cafile=path)
        except ssl.SSLError:
            raise SettingsError(f"{source}: {path} holds no certificates in PEM form.") from None
        except OSError as error:
            raise SettingsError(f"{source}: cannot read {path}: {error.strerror}.") from None
        return path
    return True


def _client_certificate(upstream: UpstreamSettings) -> str | tuple[str, str] | None:
    path, key = upstream.certificate, upstream.certificate_key
    if path is None:
        return None
    source = _source(upstream, "certificate")
    try:
        ssl.create_default_context().load_cert_chain(path, key, password=_no_password)
    except ssl.SSLError:
        raise SettingsError(
            f"{source}: {path} cannot be used: certificate and key must be PEM, belong together, and have no password."
        ) from None
    except OSError as error:
        raise SettingsError(f"{source}: cannot read {key or path}: {error.strerror}.") from None
    return path if key is None else (path, key)


def _no_password() -> str:
    """Return a wrong password for an encrypted key: OpenSSL would ask for one at the terminal."""
    return ""


def _source(upstream: UpstreamSettings, name: str) -> str:
    """Return the name of an upstream's setting in error messages."""
    if upstream.name != DEFAULT:
        return f"upstreams.{upstream.name}.{name}"
    return "ADAPTER_UPSTREAM_CA_FILE" if name == "ca" else f"ADAPTER_UPSTREAM_{name.upper()}"
