"""The server: checks before the start, and gunicorn's options.

`responses-adapter serve` and `gunicorn wsgi:app` (through gunicorn.conf.py) run the same server with the same options.
What would prevent a start (an address in use, a store that cannot be written) is found before gunicorn runs, and is one
SettingsError instead of a traceback in a worker. Without a configured upstream the demo upstream is started.

The worker class makes the standard library cooperative, before anything imports `ssl` or `requests`. So neither this
module nor what it imports uses them; gunicorn and the application are imported when they run.
"""

import atexit
import dataclasses
import gc
import os
import signal
import socket
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn

from adapter import __version__
from adapter.demo import start_child
from adapter.server.recognition import recognise_dialects
from adapter.server.troubles import find_troubles, raise_file_limit
from adapter.server.welcome import DEMO, welcome
from adapter.settings.checks import refuse_itself, refuse_listeners, refuse_open_bind
from adapter.settings.kinds import UNIX, split_address
from adapter.settings.settings import Settings, SettingsError
from adapter.telemetry import logs
from adapter.telemetry.logs import log
from adapter.telemetry.output import discard_unwritable_output
from adapter.telemetry.snapshots import create_directory, remove_directory, remove_left_directories

if TYPE_CHECKING:
    import subprocess

STREAMS_PER_WORKER: Final = 3000
"""Connections that a worker serves at a time; more wait in the backlog, so that its memory is bounded."""
_BACKLOG: Final = 4096
"""Connections that wait to be accepted: more than a worker takes, for clients that all reconnect after a restart.
The kernel's own limit, `net.core.somaxconn`, is 4096 by default. Source: Linux manual pages, listen(2)."""
_MAX_SOCKET_PATH_BYTES: Final = 107
"""Of a Unix socket. Source: Linux manual pages, unix(7)."""
_STOP_SECONDS: Final = 5
"""Between the end of the grace time, when open responses are ended, and the end of the worker."""

_children: list["subprocess.Popen[str]"] = []
"""Child processes; their pipes must stay open as long as this process runs."""
_prepared: Settings | None = None


def prepare(settings: Settings) -> Settings:
    """Start logging, check the store, recognise dialects, start the demo upstream if there is no other upstream.

    Returns the final settings. Until the server is ready there is no garbage collection: what is imported remains, and
    to walk over all of it 190 times is a seventh of the CPU time of a start.
    """
    if _prepared is None:  # not in a reload, which no `when_ready` follows
        gc.disable()
    logs.configure(settings.log_level, settings.log_format)
    atexit.register(discard_unwritable_output)
    _check_store(settings)
    if settings.all_upstreams():
        return _remember(recognise_dialects(settings))
    demo, url = start_child()
    _children.append(demo)
    sources = {**settings.sources, "upstream_url": DEMO}
    return _remember(dataclasses.replace(settings, upstream_url=url, sources=sources))


def prepared_settings() -> Settings | None:
    """Return what `prepare` returned in this process; None: it has not run."""
    return _prepared


def _remember(settings: Settings) -> Settings:
    global _prepared
    _prepared = settings
    return settings


def serve(settings: Settings) -> None:
    """Run the server until a signal stops it; raise SettingsError if it cannot start."""
    _check_address(settings)
    settings = prepare(settings)

    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):
        def load_config(self) -> None:
            for name, value in options(settings).items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            from adapter import create_app

            return create_app(settings)

    Server().run()


def _listen_also(server: Any, address: str) -> None:
    """Make gunicorn listen at one more address, the last one (see the worker).

    At SIGHUP gunicorn makes its configuration anew. One without this address would make it close all listeners, and end
    because it cannot open them again as long as the old workers have them.
    """
    load = server.app.load_config

    def load_config() -> None:
        load()
        server.app.cfg.set("bind", [*server.app.cfg.bind, address])

    server.app.load_config = load_config
    server.cfg.set("bind", [*server.cfg.bind, address])


def options(settings: Settings) -> dict[str, Any]:
    """Return gunicorn's options for these settings."""

    def on_starting(server: Any) -> None:
        try:
            for host, port in (address for address in server.cfg.address if isinstance(address, tuple)):
                refuse_open_bind(settings, f"{host}:{port}")  # gunicorn's -b is not in the settings
                refuse_itself(settings, f"{host}:{port}")
            if given := _given_addresses():
                refuse_listeners(settings, given)
        except SettingsError as error:
            give_up(error)
        remove_left_directories()
        if settings.admin_bind is not None:
            _listen_also(server, settings.admin_bind)
            create_directory()
        raise_file_limit()

    def on_reload(server: Any) -> None:
        log.info("reloading", workers=settings.workers, settings="as at the start")

    def on_exit(server: Any) -> None:
        remove_directory()
        log.info("stopped")

    def when_ready(server: Any) -> None:
        address = server.LISTENERS[0].getsockname()
        is_terminal = sys.stdout.isatty()
        if is_terminal:
            _end_with_terminal(server)
        _print(welcome(settings, address, is_tls=server.cfg.is_ssl, is_terminal=is_terminal))
        troubles = find_troubles(settings)
        if is_terminal and troubles:
            _print("\n".join(["  Not in order:\n", *(f"    - {trouble}" for trouble in troubles), ""]))
        elif not is_terminal:
            log.info("listening", version=__version__, address=_written(address), workers=settings.workers)
            for trouble in troubles:
                log.warning("not in order", trouble=trouble)
        # What each worker needs is made here, so that they share it.
        from gevent import threadpool  # noqa: F401
        from gevent.resolver import thread  # noqa: F401

        from adapter.server import fast_path  # noqa: F401
        from adapter.server.allocator import keep_freed_memory

        keep_freed_memory()
        gc.freeze()  # memory shared with the workers stays shared if no collection writes to it
        gc.enable()

    return {
        "bind": settings.bind,
        "workers": settings.workers,
        "worker_class": "adapter.server.worker.Worker",
        "worker_connections": STREAMS_PER_WORKER,
        "backlog": _BACKLOG,
        "preload_app": True,
        "limit_request_field_size": 64 * 1024,  # tokens with many groups, and a company's cookies
        "limit_request_line": 8190,
        "keepalive": 75,  # longer than usual clients and proxies keep idle connections, so that they close first
        "timeout": 120,  # of a worker whose event loop is blocked; streams have no time limit
        "graceful_timeout": int(settings.shutdown_grace) + _STOP_SECONDS,
        "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else None,
        "control_socket_disable": True,
        "logger_class": "adapter.server.worker.ServerLog",
        "loglevel": "info" if settings.log_level == "debug" else "warning",
        "errorlog": None,
        "accesslog": None,
        "proc_name": "responses-adapter",
        "ssl_context": tls_context,
        "on_starting": on_starting,
        "on_exit": on_exit,
        "on_reload": on_reload,
        "when_ready": when_ready,
    }


def _written(address: tuple[Any, ...] | str) -> str:
    """Return an address, as the system names it, as one writes it: `host:port`, or the path of a Unix socket."""
    if isinstance(address, str):
        return address
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _given_addresses() -> list[str]:
    """Return where the sockets listen that this process was given, by systemd or by the server that it replaces.

    Source: systemd's manual pages, sd_listen_fds(3).
    """
    if os.environ.get("LISTEN_PID") == str(os.getpid()):
        numbers = list(range(3, 3 + int(os.environ.get("LISTEN_FDS", "0"))))
    else:
        numbers = [int(number) for number in os.environ.get("GUNICORN_FD", "").split(",") if number]
    names = []
    for number in numbers:
        with socket.socket(fileno=os.dup(number)) as copy:
            names.append(copy.getsockname())
    return [_written(name) if isinstance(name, tuple) else f"{UNIX}{name}" for name in names]


def _end_with_terminal(server: Any) -> None:
    """Make gunicorn end at the SIGHUP of a terminal that is closed, as at SIGTERM, in place of starting new workers.

    Otherwise the server would go on unseen and keep its address, without the demo upstream, which the signal ends.
    """
    signal.signal(signal.SIGHUP, lambda *_: server.signal(signal.SIGTERM, None))


def _print(text: str) -> None:
    with suppress(OSError):  # standard output may be full or closed
        print(text, flush=True)


def tls_context(config: Any, make_context: Any) -> Any:
    """Return the context of gunicorn's own TLS (`--certfile`)."""
    from adapter.server import client_sockets  # which imports `ssl`

    return client_sockets.tls_context(config, make_context)


def give_up(error: SettingsError) -> NoReturn:
    """Exit because of unusable settings."""
    print(f"responses-adapter: {error}", file=sys.stderr)
    sys.exit(2)


def _check_address(settings: Settings) -> None:
    """Raise SettingsError if the server cannot listen on the address."""
    if "LISTEN_FDS" in os.environ or "GUNICORN_FD" in os.environ:
        return  # the socket is inherited from systemd, or from the server that this one replaces
    if settings.bind.startswith(UNIX):
        _check_socket_path(settings, settings.bind.removeprefix(UNIX))
        return
    host, port = split_address(settings.bind)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        source = settings.sources.get("bind", "ADAPTER_BIND")
        raise SettingsError(
            f"{source}: cannot listen on {settings.bind}: {error.strerror}. "
            "Choose another address with ADAPTER_BIND or --bind."
        ) from None


def _check_socket_path(settings: Settings, path: str) -> None:
    """Raise SettingsError if no Unix socket can be made at a path; one that is there is replaced."""
    folder = os.path.dirname(path) or "."
    reason = ""
    if not os.access(folder, os.W_OK | os.X_OK):
        reason = f"there is no folder {folder} that can be written"
    elif os.path.exists(path) and not stat.S_ISSOCK(os.stat(path).st_mode):
        reason = "there is a file that is no socket"
    elif len(os.fsencode(path)) > _MAX_SOCKET_PATH_BYTES:
        reason = f"a path of more than {_MAX_SOCKET_PATH_BYTES} bytes cannot be a socket's"
    if reason:
        raise SettingsError(f"{settings.sources.get('bind', 'ADAPTER_BIND')}: cannot listen on {path}: {reason}.")


def _check_store(settings: Settings) -> None:
    """Raise SettingsError if the store's file cannot be written; make its directory where it is missing."""
    path = settings.store_url.path
    if not path:
        return
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "ab"):
            pass
    except OSError as error:
        source = settings.sources.get("store", "ADAPTER_STORE")
        advice = "Choose another place with ADAPTER_STORE or --store."
        owner, user = os.stat(path).st_uid if os.path.exists(path) else None, os.geteuid()
        if isinstance(error, PermissionError) and owner not in (None, user):
            advice = f"It belongs to user {owner}, and this is user {user}: make it this one's with chown."
        raise SettingsError(f"{source}: cannot write {os.path.abspath(path)}: {error.strerror}. {advice}") from None
