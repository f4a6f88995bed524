"""What the server prints when it listens: one line for a log, a screen for a person at a terminal.

The screen has what comes next: a request to try, the page that sends one, and the settings for Codex.
"""

import os
import shutil
import sys
from typing import Any, Final, NamedTuple

from adapter import __version__
from adapter.settings.dialects import describe_dialect
from adapter.settings.kinds import UNIX
from adapter.settings.settings import Settings

DEMO: Final = "demo"
"""The source of `upstream_url` where the demo upstream was started, and the name of its model."""
_PLACEHOLDER: Final = "YOUR-MODEL"
_COMMAND: Final = "responses-adapter"
_OF_THIS_MACHINE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""For an address that stands for all of the machine's, the one to try it at."""


class _Address(NamedTuple):
    where: str
    """As it is configured: a URL, or `unix:` and a path."""
    base: str
    """The base URL of clients."""
    curl: str
    """What curl needs before the path."""


def welcome(settings: Settings, address: tuple[Any, ...] | str, *, is_tls: bool = False, is_terminal: bool) -> str:
    """Return what to print about a server that listens on an address.

    `address`: as the system names it, for a Unix socket its path.
    """
    reached = _reached(address, "https" if is_tls else "http")
    if is_terminal:
        return "\n".join(_screen(settings, reached))
    line = _line(settings, reached)
    if not _is_demo(settings):
        return line
    return (
        f"{line}\nNo upstream is configured (ADAPTER_UPSTREAM_URL), so the bundled demo upstream was started. Try:\n"
        f"  {_curl(settings, reached)}\nCtrl-C stops it."
    )


def _line(settings: Settings, reached: _Address) -> str:
    upstreams = settings.all_upstreams()
    if len(upstreams) == 1:
        behind = f"upstream {upstreams[0].url} (dialect {describe_dialect(upstreams[0].dialect)})"
    else:
        behind = "upstreams " + ", ".join(f"{one.name} (dialect {describe_dialect(one.dialect)})" for one in upstreams)
    return (
        f"responses-adapter {__version__} listens on {reached.where}, {behind}, "
        f"store {settings.store_url}, {settings.workers} worker{'s' if settings.workers > 1 else ''}"
    )


def _screen(settings: Settings, reached: _Address) -> list[str]:
    rows = [("address", reached.where)]
    for one in settings.all_upstreams():
        name = "" if len(settings.all_upstreams()) == 1 else f"{one.name}: "
        rows.append(("upstream", f"{name}{one.url}, dialect {describe_dialect(one.dialect)}"))
    if _is_demo(settings):
        rows[-1] = ("upstream", "the bundled demo; your own: ADAPTER_UPSTREAM_URL=http://localhost:11434/v1")
    rows.append(("store", str(settings.store_url)))
    rows.append(("keys", _who_may_call(settings)))
    if settings.admin_bind is not None:
        rows.append(("operator", f"http://{settings.admin_bind}/"))
    command = _command()
    page = "" if reached.where.startswith(UNIX) else f", or open {reached.base.removesuffix('v1')} in a browser"
    return [
        f"\n  responses-adapter {__version__}\n",
        *(f"  {name:<10}{value}" for name, value in rows),
        f"\n  Try it{page}:\n",
        f"    {_curl(settings, reached)}",
        *_about_placeholder(settings, reached),
        "\n  Codex, in ~/.codex/config.toml:\n",
        *(f"    {line}".rstrip() for line in codex_settings(settings, reached.base).splitlines()),
        f"\n  Ctrl-C stops it. More: docs/start.md, {command} check (or --help)\n",
    ]


def codex_settings(settings: Settings, base: str) -> str:
    """Return the lines of Codex's settings for an adapter at a base URL."""
    key = 'env_key = "RESPONSES_KEY"\n' if settings.requires_keys else ""
    return (
        f'model = "{_model(settings)}"\nmodel_provider = "adapter"\n\n[model_providers.adapter]\n'
        f'name = "responses-adapter"\nbase_url = "{base}"\nwire_api = "responses"\n{key}'
    )


def _curl(settings: Settings, reached: _Address) -> str:
    body = f'{{"model": "{_model(settings)}", "input": "Hello"}}'
    return f"curl {reached.curl}/responses{_key(settings)} -H 'Content-Type: application/json' -d '{body}'"


def _about_placeholder(settings: Settings, reached: _Address) -> list[str]:
    if _model(settings) != _PLACEHOLDER:
        return []
    return [f"\n  {_PLACEHOLDER} is one of those that the provider lists: curl {reached.curl}/models{_key(settings)}"]


def _key(settings: Settings) -> str:
    return ' -H "Authorization: Bearer $RESPONSES_KEY"' if settings.requires_keys else ""


def _command() -> str:
    """Return how to call the command line from here: by its name, or in a checkout by its path."""
    found, own = shutil.which(_COMMAND), os.path.join(os.path.dirname(sys.executable), _COMMAND)
    if found is not None and (not os.path.exists(own) or os.path.samefile(found, own)):
        return _COMMAND
    if not os.path.exists(own):
        return f"{os.path.basename(sys.executable)} -m adapter"
    near = os.path.relpath(own)
    return own if near.startswith("..") else near


def _who_may_call(settings: Settings) -> str:
    if settings.requires_keys:
        return "callers need one"
    return "none: anyone may call who can connect" if settings.allow_open else "none: only this machine can connect"


def _model(settings: Settings) -> str:
    """Return a model to try: the demo's, the first that is configured by its whole name, or a placeholder."""
    if _is_demo(settings):
        return DEMO
    return next((name for name in settings.models if "*" not in name), _PLACEHOLDER)


def _is_demo(settings: Settings) -> bool:
    return settings.sources.get("upstream_url") == DEMO


def _reached(address: tuple[Any, ...] | str, scheme: str) -> _Address:
    if isinstance(address, str):
        base = f"{scheme}://localhost/v1"
        return _Address(f"{UNIX}{address}", base, f"--unix-socket {address} {base}")
    host, port = address[:2]
    base = _url(scheme, _OF_THIS_MACHINE.get(host, host), port)
    return _Address(_url(scheme, host, port), base, base)


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/v1"
