"""The newest openai client, as a program would set it up."""

from collections.abc import Iterator

import openai
import pytest

from tests.support.servers.service import Service


@pytest.fixture
def client(service: Service) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=service.url, api_key="sk-test", max_retries=0, timeout=30) as client:
        yield client
