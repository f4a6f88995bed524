"""Data for tests that is not part of the project: recorded traffic, and documents that others have published.

It lies in an optional directory beside the project. Tests that need a part of it are skipped where that is absent.
"""

from pathlib import Path

BESIDE = Path(__file__).parents[3] / "shared"

RECORDED_CLIENTS = BESIDE / "wire/clients"
"""Requests of real clients: a folder per client, a JSON file per run."""
RECORDED_PROVIDERS = BESIDE / "wire/providers"
"""Answers of real providers, listed in `INDEX.tsv`."""
OPEN_RESPONSES_DOCUMENT = BESIDE / "reference/openresponses-openapi.json"
"""Source: Open Responses conformance tests."""
API_REFERENCE = BESIDE / "reference/responses-api.md"
"""Notes on the OpenAI API reference: each name that it has."""
EXAMPLE_STREAMS = BESIDE / "reference/example-streams.json"
"""Event streams by name, as the OpenAI API reference describes them."""
HOSTED_STREAMS = BESIDE / "wire/hosted-tools/example-streams.json"
"""Event streams of tools that the server runs, by situation."""
