"""The metrics of the server: each is declared here, and observed where what it counts happens.

docs/metrics.md lists them. Labels are bounded: names of the configuration, of the API, or of `model_label`; never an
id, a path, a key or a word of a prompt. Names follow Prometheus: base units, `_total` for counters.
Source: Prometheus docs, Metric and label naming.
"""

from typing import Final, Literal

from adapter.telemetry.aggregates import Counter, Gauge, Histogram, Metric
from translators.responses.passthrough import RESERVED

PREFIX: Final = "responses_adapter_"

DURATION_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)
"""Of whole responses: agents' turns take minutes."""
FIRST_SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0)
"""Until something begins."""
TOKEN_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5)
"""Of one token."""
WORK_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""Of the server's own work, and the store's."""

_MAX_MODEL_NAMES: Final = 100
"""Of a worker; clients may ask for any number of names."""

METRICS: Final[dict[str, Metric]] = {}
"""All metrics, by name."""


def _counter(name: str, help: str, *labels: str) -> Counter:
    return METRICS.setdefault(name, Counter(PREFIX + name, help, *labels))  # type: ignore[return-value]


def _gauge(name: str, help: str, *labels: str, of_workers: Literal["sum", "max"] = "sum") -> Gauge:
    gauge = Gauge(PREFIX + name, help, *labels, of_workers=of_workers)
    return METRICS.setdefault(name, gauge)  # type: ignore[return-value]


def _histogram(name: str, help: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
    return METRICS.setdefault(name, Histogram(PREFIX + name, help, *labels, buckets=buckets))  # type: ignore[return-value]


RESPONSES = _counter(
    "responses_total", "Responses that ended, by their status.", "upstream", "model", "status", "transport"
)
RESPONSE_SECONDS = _histogram(
    "response_seconds",
    "From the request to the end of its response.",
    "upstream", "model", "transport",
    buckets=DURATION_SECONDS,
)  # fmt: skip
FIRST_TOKEN_SECONDS = _histogram(
    "first_token_seconds",
    "From the request to the beginning of its answer.",
    "upstream", "model",
    buckets=FIRST_SECONDS,
)  # fmt: skip
OUTPUT_TOKEN_SECONDS = _histogram(
    "output_token_seconds",
    "For each token of a streamed answer.",
    "upstream", "model",
    buckets=TOKEN_SECONDS,
)  # fmt: skip
TOKENS = _counter(
    "tokens_total",
    "Tokens of ended responses: input, cached_input (a part of it), output, reasoning (a part of it).",
    "upstream", "model", "kind",
)  # fmt: skip
FORWARDED = _counter(
    "forwarded_total",
    "Chat-completions and embeddings requests that were forwarded: `answered`, or `failed` (errors, disconnects).",
    "upstream", "model", "path", "outcome",
)  # fmt: skip
FORWARDED_SECONDS = _histogram(
    "forwarded_seconds",
    "From such a request to the end of its answer.",
    "upstream", "model", "path",
    buckets=DURATION_SECONDS,
)  # fmt: skip
REFUSED = _counter("refused_total", "Requests that the server itself rejected.", "code", "param")
LIMITED = _counter("limited_total", "Requests beyond a limit of their key.", "limit")
OVERLOAD_REFUSED = _counter(
    "overload_refused_total", "Requests refused because a worker had too much to do: `lag` or `responses`.", "reason"
)
KEY_TOKENS = _counter("key_tokens_total", "Tokens of the responses of named keys.", "key", "kind")
KEY_BUDGET_LEFT = _gauge(
    "key_budget_left_tokens", "What a key has left of its budget, on this machine's count.", "key", "period",
    of_workers="max",
)  # fmt: skip
NOTES = _counter("notes_total", "Approximations that responses were noted with.", "param", "action")
TOOL_CALLS = _counter("tool_calls_total", "Calls of tools that the server ran itself.", "kind", "outcome")
TOOL_SECONDS = _histogram("tool_seconds", "Such calls, without what the model does.", "kind", buckets=DURATION_SECONDS)
IN_FLIGHT = _gauge("responses_in_flight", "Responses that are being answered.", "transport")
UPSTREAM_CALLS = _counter(
    "upstream_calls_total",
    "Chat requests: `ok`, `rejected` (4xx), `overloaded` (429), `failed` (5xx), or the `cause` that the log gives.",
    "upstream", "outcome",
)  # fmt: skip
RETRIES = _counter(
    "retries_total",
    "Chat requests that were sent again: `elsewhere`, `later`, or `learned` from a rejection; by who failed.",
    "upstream", "how",
)  # fmt: skip
HTTP_REQUESTS = _counter("http_requests_total", "HTTP requests by route.", "route", "method", "code")
STORE_SECONDS = _histogram("store_seconds", "Calls of the store.", "operation", buckets=WORK_SECONDS)
STORE_ERRORS = _counter("store_errors_total", "Calls of the store that failed.", "operation")
EVENT_LOOP_LAG_SECONDS = _histogram(
    "event_loop_lag_seconds", "How late a worker's event loop was at most, once a second.", buckets=WORK_SECONDS
)
WORKER_CPU_SECONDS = _counter("worker_cpu_seconds_total", "Processor time of a worker.", "worker")
WORKER_RESIDENT_BYTES = _gauge("worker_resident_bytes", "Memory of a worker.", "worker")
WORKER_OPEN_FILES = _gauge("worker_open_files", "Open files and connections of a worker.", "worker")
SERIES_DROPPED = _counter("series_dropped_total", "Observations of series beyond the limit of a worker.")
SPANS_DROPPED = _counter("spans_dropped_total", "Spans that could not be sent to the collector of traces.")
BUILD_INFO = _gauge("build_info", "1, with the versions as labels.", "version", "python", of_workers="max")

_model_names: set[str] = set()


def model_label(name: str, answered: bool) -> str:
    """Return a model's name as a label: of one that no provider answered for `unknown`, beyond the limit `other`."""
    if not answered:
        return "unknown"
    if name in _model_names:
        return name
    if len(_model_names) >= _MAX_MODEL_NAMES:
        return "other"
    _model_names.add(name)
    return name


def member_label(path: str | None) -> str:
    """Return the member of a request that a path begins with, as a label; of one that is not the API's, `other`."""
    if not path:
        return "none"
    name = path.replace("[", ".").partition(".")[0]
    return name if name in RESERVED else "other"


def clear() -> None:
    """Forget everything that was counted, as a new worker does."""
    for metric in METRICS.values():
        metric.clear()
    Metric.dropped = 0
    _model_names.clear()
