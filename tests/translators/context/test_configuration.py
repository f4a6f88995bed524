"""configuration_update items: the last one counts, for what it names."""

import pytest

from translators.context.configuration import apply_configuration, latest_update
from translators.errors import RequestError
from translators.responses.items import ConfigurationUpdate, Message
from translators.responses.request import CreateRequest, JSONObjectFormat, ReasoningConfig, TextConfig

HIGH = ConfigurationUpdate(reasoning={"effort": "high"})
JSON = ConfigurationUpdate(text={"format": {"type": "json_object"}})
REQUEST = CreateRequest(
    model="m", input=(), raw_input=b"[]", reasoning=ReasoningConfig("low", "auto"), text=TextConfig(verbosity="low")
)


def test_what_it_names_changes() -> None:
    assert apply_configuration(REQUEST, None) is REQUEST
    assert apply_configuration(REQUEST, HIGH).reasoning == ReasoningConfig("high", "auto")
    changed = apply_configuration(REQUEST, JSON)
    assert (changed.reasoning, changed.text) == (REQUEST.reasoning, TextConfig(JSONObjectFormat(), "low"))


def test_the_last_one_counts() -> None:
    assert latest_update([HIGH, Message("user", "Hi"), JSON]) is JSON
    assert latest_update([Message("user", "Hi")], HIGH) is HIGH
    assert latest_update([]) is None


def test_one_that_does_not_fit_is_refused() -> None:
    with pytest.raises(RequestError, match="Invalid 'reasoning' of a configuration_update") as caught:
        apply_configuration(REQUEST, ConfigurationUpdate(reasoning={"effort": "huge"}))
    assert caught.value.param == "input"
