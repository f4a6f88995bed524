"""Measure the adapter's CPU time and memory, as multiples of nginx's for proxying the same bytes.

A scripted upstream, nginx as a plain proxy and the adapter are started on free loopback ports and driven with
the same work one after the other, in rounds; the servers have one half of the processors, client and upstream
the other. The figure is CPU time of the server's process tree, user and system; client and upstream do not
count. Machines differ and so do hours: only the ratios of one run mean something, and only as far as the
rounds agree.

  python -m bench                                   everything; some seven minutes
  python -m bench --scenarios burst,paced300        the streams only
  python -m bench --seconds 1 --rounds 1            a quick look
  python -m bench --set ADAPTER_WORKERS=4           the adapter with another setting
  python -m bench --server-cmd 'serve --port {port} --upstream {upstream}'
                                                    another server of the Responses API

The scenarios:
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from bench import servers
from bench.processors import divide
from bench.recording import measure_recordings
from bench.report import all_met, format_table, to_json
from bench.results import Results
from bench.rounds import run_rounds
from bench.scenarios import NAMES, RECORDINGS, SPECIAL, TIMED

NO_NGINX = (
    "nginx was not found, so there are no ratios to it: the figures are absolute and mean little. "
    "`apt-get install nginx-light` gets it (it need not run as a service); --nginx PATH names one elsewhere"
)
OTHER_SERVER = "heads and contents were not measured: only the adapter has an inspector"
SHARED = "the servers shared their processors with client and upstream, which makes nginx cheaper than it is by itself"


def options() -> argparse.Namespace:
    """Read the command line."""
    lines = [
        f"  {scenario.name:<10} {scenario.what}"
        + (f"; at most {scenario.target:g} × {scenario.base or 'nginx'}" if scenario.target else "")
        for scenario in TIMED
    ]
    lines += [f"  {one.name:<10} {one.what}; at most {one.target:g} × a request that declines" for one in RECORDINGS]
    lines += [f"  {name:<10} {what}" for name, what in SPECIAL.items()]
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="\n".join([(__doc__ or "").strip(), *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Ends with 0 if every target was met, 1 if one was missed, 2 if it could not measure.",
        allow_abbrev=False,
    )
    parser.add_argument("--scenarios", type=names, default=NAMES, metavar="A,B", help="only these")
    parser.add_argument(
        "--seconds", type=positive, default=3.0, help="length of a timed scenario (default: 3)"
    )
    parser.add_argument("--rounds", type=positive_int, default=3, help="times through all of it (default: 3)")
    parser.add_argument(
        "--server-cmd", metavar="CMD", help="start this instead; {port}, {upstream} are filled in"
    )
    parser.add_argument(
        "--set",
        type=setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="environment of the server",
    )
    parser.add_argument("--nginx", metavar="PATH", help="the nginx binary (default: the one in PATH)")
    parser.add_argument("--relay", metavar="PATH", help="a codex-relay to measure beside (default: the one in PATH)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything measured to a file")
    return parser.parse_args()


def names(text: str) -> tuple[str, ...]:
    wanted = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in wanted:
        if name not in NAMES:
            raise argparse.ArgumentTypeError(f"there is no scenario {name!r}; there are {', '.join(NAMES)}")
    return wanted


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 600:
        raise argparse.ArgumentTypeError("must be more than 0 and at most 600")
    return value


def positive_int(text: str) -> int:
    value = int(text)
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError("must be from 1 to 100")
    return value


def setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError("must be NAME=VALUE")
    return name, value


def measure(chosen: argparse.Namespace) -> Results:
    """Start everything, measure, end everything. Raises ServerFailed."""
    started_at = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started_at:5.0f} s] {text}", file=sys.stderr, flush=True)

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        processors = divide()
        upstream = stack.enter_context(servers.upstream(folder))
        running = []
        nginx = chosen.nginx or shutil.which(
            "nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
        )
        if nginx:
            running.append(stack.enter_context(servers.nginx(nginx, upstream.port, folder, processors)))
        relay = chosen.relay or shutil.which("codex-relay")
        if relay:
            running.append(stack.enter_context(servers.relay(relay, upstream.port, folder, processors)))

        def start(within: Path, more: Mapping[str, str]) -> AbstractContextManager[servers.Server]:
            settings = {**dict(chosen.set), **more}
            return servers.under_test(chosen.server_cmd, upstream.port, within, settings, processors)

        running.append(stack.enter_context(start(folder, {})))
        say(f"{', '.join(server.name for server in running)} up; load {os.getloadavg()[0]:.2f}")
        recorded = {one.name for one in RECORDINGS if one.name in chosen.scenarios}
        conditions = {
            NO_NGINX: not nginx,
            SHARED: processors is None,
            OTHER_SERVER: bool(recorded and chosen.server_cmd),
        }
        notes = [note for note, holds in conditions.items() if holds]
        for note in notes:
            say(note)
        if os.getloadavg()[0] > 0.5 * (os.cpu_count() or 1):
            say("the machine is busy with something else: expect noise")
        own = set() if chosen.server_cmd else recorded
        recordings = measure_recordings(start, folder, own, chosen.rounds, chosen.seconds, say)
        results = run_rounds(running, upstream, chosen.scenarios, chosen.rounds, chosen.seconds, say)
        results.recordings = recordings
        results.notes += notes
        return results


def main() -> int:
    """Run the benchmark and return the exit status."""
    chosen = options()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        results = measure(chosen)
    except servers.ServerFailed as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("ended before the end; nothing is left running", file=sys.stderr)
        return 128 + signal.SIGINT
    print(format_table(results), end="")
    if chosen.json:
        chosen.json.write_text(json.dumps(to_json(results), indent=1) + "\n")
    return 0 if all_met(results) else 1


if __name__ == "__main__":
    sys.exit(main())
