"""Search for inputs that break a target: `make fuzz`, some minutes, not part of `make test`.

With atheris the search is guided by the coverage of `adapter` and `translators`; it runs each target in a process of
its own. Without it, which is said loudly, hypothesis searches, guided by how many distinct lines a target passes
through. What is found is written to `found/`, one file for each input, which `make test` replays from then on.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import traceback
from importlib.util import find_spec
from pathlib import Path

FOUND = Path(__file__).parent / "found"
ROOT = Path(__file__).parents[3]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.properties.fuzz")
    parser.add_argument("--seconds", type=int, default=30, help="for each target")
    parser.add_argument("--target", action="append")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--corpus", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        fuzz_with_atheris(given.child, given.corpus, given.seconds)
        return 0
    from tests.properties.fuzz.targets import TARGETS

    guided = find_spec("atheris") is not None
    if not guided:
        python = sys.version.split()[0]
        print(f"NO ATHERIS on this Python {python}: hypothesis searches, not guided by coverage", flush=True)
    failures = 0
    for name in given.target or TARGETS:
        failed = run_atheris(name, given.seconds) if guided else run_hypothesis(name, given.seconds)
        print(f"{name}: {'BROKEN, see found/' if failed else 'nothing found'}", flush=True)
        failures += failed
    return int(failures > 0)


def run_atheris(name: str, seconds: int) -> bool:
    """Fuzz a target in a process of its own; return whether it broke."""
    from tests.properties.fuzz.targets import TARGETS

    with tempfile.TemporaryDirectory() as corpus:
        for at, start in enumerate(TARGETS[name][1]):
            (Path(corpus) / f"start-{at}").write_bytes(start)
        command = [sys.executable, "-m", "tests.properties.fuzz", "--child", name, "--corpus", corpus]
        done = subprocess.run(
            [*command, "--seconds", str(seconds)], cwd=ROOT, capture_output=True, text=True, errors="replace"
        )
        runs = [line for line in done.stderr.splitlines() if line.startswith(("Done", "#"))]
        print(f"  {runs[-1] if runs else done.stderr[-300:]}", flush=True)
    if done.returncode:
        print(done.stdout[-3000:], done.stderr[-3000:], flush=True)
    return done.returncode != 0


def fuzz_with_atheris(name: str, corpus: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["adapter", "translators"]):
        from tests.properties.fuzz.targets import TARGETS
    target = TARGETS[name][0]

    def check(data: bytes) -> None:
        try:
            target(data)
        except Exception:
            keep(name, data)
            raise

    flags = [f"-max_total_time={seconds}", "-max_len=4096", "-rss_limit_mb=2048", "-timeout=20", "-print_final_stats=0"]
    atheris.Setup([sys.argv[0], *flags, f"-artifact_prefix={corpus}/", corpus], check)
    atheris.Fuzz()


def run_hypothesis(name: str, seconds: int) -> bool:
    """Search with mutations of the target's own inputs, towards inputs that pass through more lines."""
    from time import monotonic

    from hypothesis import HealthCheck, given, seed, settings, target
    from hypothesis import strategies as st

    from tests.properties.fuzz.targets import TARGETS

    check, starts = TARGETS[name]
    until = monotonic() + seconds
    pieces = st.sampled_from([piece for start in starts for piece in (start, start[: len(start) // 2])])
    inputs = st.lists(pieces | st.binary(max_size=40), max_size=6).map(b"".join)

    def search(data: bytes) -> None:
        lines = set()

        def trace(frame: object, event: str, _: object) -> object:
            lines.add((frame.f_code, frame.f_lineno))  # type: ignore[attr-defined]
            return trace

        sys.settrace(trace)
        try:
            check(data)
        except Exception:
            keep(name, data)
            raise
        finally:
            sys.settrace(None)
        target(float(len(lines)))

    quiet = settings(
        max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=False
    )
    turn = 0
    try:
        while monotonic() < until:
            seed(turn)(quiet(given(inputs)(search)))()
            turn += 1
    except Exception:
        traceback.print_exc()
        return True
    print(f"  {200 * turn} examples", flush=True)
    return False


def keep(name: str, data: bytes) -> None:
    FOUND.mkdir(exist_ok=True)
    (FOUND / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)


if __name__ == "__main__":
    sys.exit(main())
