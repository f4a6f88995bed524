"""When to try again, in every form in which providers say it."""

import pytest

from translators.failures.retry_after import retry_delay

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
AT = 1792567680
"""The same, in Unix seconds."""

HEADERS: dict[str, tuple[dict[str, str], float | None]] = {
    "nothing": ({}, None),
    "seconds": ({"retry-after": "7"}, 7.0),
    "parts of seconds": ({"retry-after": "2.5"}, 2.5),
    "milliseconds, which are surer": ({"retry-after": "2", "retry-after-ms": "1500"}, 1.5),
    "at once, which helps nobody": ({"retry-after": "0"}, None),
    "zero milliseconds (Azure)": ({"retry-after": "1", "retry-after-ms": "0"}, 1.0),
    "a date": ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": DATE}, 30.0),
    "a date in the past": ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": DATE}, None),
    "a date and no other to count from": ({"retry-after": DATE}, None),
    "no time": ({"retry-after": "soon"}, None),
    "a negative number": ({"retry-after": "-1"}, None),
    "no number": ({"retry-after": "nan"}, None),
    "no end": ({"retry-after": "inf"}, None),
    "endless digits": ({"retry-after": "9" * 400}, None),
    "an endless date": ({"retry-after": "Wed, 21 Oct 2026 " + "0" * 400, "date": DATE}, None),
    "OpenAI's resets": (
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "8.64s",
         "x-ratelimit-remaining-tokens": "59", "x-ratelimit-reset-tokens": "1m2s"}, 8.64
    ),
    "the longer of two that are used up": (
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "120ms",
         "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2s"}, 62.0
    ),
    "a reset of what is not used up": (
        {"x-ratelimit-remaining-tokens": "59", "x-ratelimit-reset-tokens": "1h"}, None
    ),
    "Groq's day": ({"x-ratelimit-reset-requests": "1d2h3m4.5s"}, 93784.5),
    "a point in time in milliseconds (OpenRouter)": (
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{(AT + 20) * 1000}", "date": DATE}, 20.0
    ),
    "a point in time in seconds": ({"x-ratelimit-reset": f"{AT + 20}", "date": DATE}, 20.0),
    "a point in time without a date": ({"x-ratelimit-reset": f"{AT + 20}"}, None),
    "seconds to the reset": ({"ratelimit-reset": "12"}, 12.0),
    "retry-after beside a reset": ({"retry-after": "3", "x-ratelimit-reset-requests": "8s"}, 3.0),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_headers(name: str) -> None:
    headers, wait = HEADERS[name]
    assert retry_delay(headers, "") == wait


MESSAGES = {
    "Rate limit reached. Please try again in 1.2s.": 1.2,
    "Please try again in 450ms. Visit https://example.com": 0.45,
    "Please try again in 6m0.5s.": 360.5,
    "Please try again in 1h2m3s": 3723.0,
    "Please retry in 34.074824224s.": 34.074824224,
    "Please retry after 10 seconds.": 10.0,
    "Please retry after 2 minutes": 120.0,
    "Please wait for 3 seconds": 3.0,
    "Retry your request after 500 milliseconds": 0.5,
    "Try again in 20": 20.0,
    "Please try again later.": None,
    "try again in a while": None,
    "I waited 5 seconds": None,
    "": None,
}


@pytest.mark.parametrize("message", MESSAGES)
def test_words(message: str) -> None:
    assert retry_delay({}, message) == MESSAGES[message]


def test_headers_are_surer_than_words_and_words_than_resets() -> None:
    assert retry_delay({"retry-after": "3"}, "try again in 5s") == 3.0
    assert retry_delay({"x-ratelimit-reset": "9"}, "try again in 5s") == 5.0
    assert retry_delay({}, "try again in 5s", "34s") == 34.0
