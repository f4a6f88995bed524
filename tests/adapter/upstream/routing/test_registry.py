"""Who serves a model, in which order, and who is left alone: with a clock and a chance of the test's own."""

import itertools
from collections import Counter
from copy import copy

import pytest

from adapter.settings.models import Models, read_models
from adapter.settings.upstreams import UpstreamSettings
from adapter.upstream.routing.candidates import Candidates
from adapter.upstream.routing.health import COOLDOWN, FAILURES, LONGEST_COOLDOWN, LONGEST_RETRY_AFTER, Candidate
from adapter.upstream.routing.registry import Registry
from translators.dialects.dialect import Dialect
from translators.errors import ProtocolError, ProviderError, RequestError, UpstreamError

OVERLOADED = UpstreamError(
    "Overloaded.", status=503, retry_after=1.0, provider_error=ProviderError("Overloaded.", status=503)
)
UNREACHABLE = UpstreamError("The provider could not be reached.", status=503, retry_after=1.0, cause="refused")
CRASHED = UpstreamError("Crashed.")
LIMITED = UpstreamError("Slow down.", status=429, code="rate_limit_exceeded", retry_after=7.0)
SPENT = UpstreamError("No money.", status=429, code="insufficient_quota", retry_after=1.0, retry=False)
TOO_LARGE = UpstreamError("Request too large.", status=429, code="rate_limit_exceeded", retry=False)
WRONG_KEY = UpstreamError("The provider rejected this adapter's API key.", retry=False)
UNKNOWN = UpstreamError("No such model.", status=400, code="model_not_found")
MISTAKE = UpstreamError("No.", status=400, type="invalid_request_error")
MISMADE = UpstreamError(
    "Tool call validation failed.", status=502, retry=False, provider_error=ProviderError(status=400)
)


def same(error: ProtocolError, other: ProtocolError) -> bool:
    """Return whether two errors are the same or copies of each other."""
    return type(error) is type(other) and vars(error) == vars(other)


def upstream(name: str, *, keys: int = 0, weight: int = 1) -> UpstreamSettings:
    secrets = tuple(object() for _ in range(keys))
    return UpstreamSettings(
        name=name, url="http://h/v1", dialect=Dialect(), keys=secrets, connect_timeout=1, timeout=1, weight=weight
    )  # type: ignore[arg-type]


class World:
    """A registry whose time goes on when the test says so."""

    def __init__(self, *upstreams: UpstreamSettings, models: dict[str, object] | None = None) -> None:
        self.now = 100.0
        weights = {one.name: one.weight for one in upstreams}
        read: Models = read_models(models or {}, weights)
        self.registry = Registry(upstreams, read, lambda: self.now)
        self._groups = map(str, itertools.count())

    def candidates(self, model: str = "m") -> Candidates:
        return self.registry.draw_candidates(model, next(self._groups))

    def order(self, model: str = "m", group: str | None = None) -> list[Candidate]:
        """Return everybody who would be asked if each failed in a way that says nothing about it."""
        return drained(self.registry.draw_candidates(model, group or next(self._groups)))

    def names(self, model: str = "m") -> list[str]:
        return [one.upstream for one in self.order(model)]

    def fail(self, error: UpstreamError, of: str, times: int = 1, key: int | None = None) -> None:
        for _ in range(times):
            self.registry.health.record_failure(Candidate(of, "m", key, 1), error)


def drained(candidates: Candidates) -> list[Candidate]:
    found = []
    while (one := candidates.next()) is not None:
        found.append(one)
    return found


def test_a_single_upstream_has_every_model_under_its_own_name() -> None:
    world = World(upstream("default"))
    assert world.order("any/model:7b") == [Candidate("default", "any/model:7b", None, 1)]
    assert World(upstream("default", keys=1)).order() == [Candidate("default", "m", 0, 1)]


MODELS: dict[str, object] = {
    "gpt-*": ["a", {"upstream": "b", "model": "azure-*"}],
    "gpt-4.1": "b",
    "groq/*": {"upstream": "a", "model": "*"},
    "*-mini": {"upstream": "b", "model": "small"},
    "fast": {"upstream": "a", "model": "llama-3.3-70b", "weight": 3},
}


@pytest.mark.parametrize(
    ("model", "served"),
    [
        ("gpt-5", {("a", "gpt-5"), ("b", "azure-5")}),
        ("gpt-", {("a", "gpt-"), ("b", "azure-")}),
        ("gpt-4.1", {("b", "gpt-4.1")}),
        ("gpt-5-mini", {("a", "gpt-5-mini"), ("b", "azure-5-mini")}),
        ("o4-mini", {("b", "small")}),
        ("groq/qwen/qwen3-32b", {("a", "qwen/qwen3-32b")}),
        ("fast", {("a", "llama-3.3-70b")}),
        ("other", set()),
        ("gpt-*", {("a", "gpt-*"), ("b", "azure-*")}),
        ("", set()),
    ],
)
def test_a_name_counts_before_patterns_and_these_in_their_order(model: str, served: set[tuple[str, str]]) -> None:
    world = World(upstream("a"), upstream("b"), models=MODELS)
    if not served:
        with pytest.raises(RequestError) as refused:
            world.order(model)
        assert (refused.value.status, refused.value.code, refused.value.param) == (400, "model_not_found", "model")
        return
    assert {one[:2] for one in world.order(model)} == served


def test_what_no_entry_names_goes_to_upstream_url_if_there_is_one() -> None:
    world = World(upstream("default"), upstream("a"), models={"gpt-*": "a"})
    assert (world.names("gpt-5"), world.names("other")) == (["a"], ["default"])
    assert sorted(World(upstream("default"), upstream("a")).names("other")) == ["a", "default"]


def test_weights_are_shares_of_the_first_place() -> None:
    world = World(upstream("a", keys=3), upstream("b", weight=3), upstream("spare", weight=0))
    first = Counter(world.names()[0] for _ in range(4000))
    assert first["spare"] == 0
    assert 2.6 < first["b"] / first["a"] < 3.4, "three keys are not three upstreams"
    keys = Counter(next(one.key for one in world.order() if one.upstream == "a") for _ in range(3000))
    assert all(900 < keys[key] < 1100 for key in range(3))


def test_spares_come_last_as_they_stand() -> None:
    models: dict[str, object] = {"m": [{"upstream": "b", "weight": 0}, {"upstream": "c", "weight": 0}, "a"]}
    world = World(upstream("a"), upstream("b"), upstream("c"), models=models)
    assert world.names() == ["a", "b", "c"]


def test_a_conversation_begins_with_the_same_one() -> None:
    world = World(upstream("a", keys=2), upstream("b", keys=2))
    assert len({tuple(world.order(group="t/1")) for _ in range(20)}) == 1
    assert len({world.order(group=f"t/{number}")[0] for number in range(40)}) == 4


def test_one_more_upstream_takes_its_share_from_the_others_and_moves_nothing_else() -> None:
    two = World(upstream("a"), upstream("b"))
    three = World(upstream("a"), upstream("b"), upstream("c"))
    groups = [str(number) for number in range(600)]
    before = {group: two.order(group=group)[0].upstream for group in groups}
    after = {group: three.order(group=group)[0].upstream for group in groups}
    moved = [group for group in groups if before[group] != after[group]]
    assert {after[group] for group in moved} == {"c"}
    assert 150 < len(moved) < 250


# --- health ---------------------------------------------------------------------------------------------------------


def test_three_failures_in_a_row_have_it_left_alone_for_longer_and_longer() -> None:
    world = World(upstream("a"), upstream("b"))
    world.fail(OVERLOADED, "a", FAILURES - 1)
    assert len(world.names()) == 2
    world.fail(OVERLOADED, "a")
    for pause in (COOLDOWN, 2 * COOLDOWN, 4 * COOLDOWN, 8 * COOLDOWN, LONGEST_COOLDOWN, LONGEST_COOLDOWN):
        assert world.names() == ["b"]
        world.now += pause - 0.1
        assert world.names() == ["b"]
        world.now += 0.2
        assert sorted(world.names()) == ["a", "b"], "nobody tries it again"
        assert world.names() == ["b"], "everybody tries it again"
        world.fail(OVERLOADED, "a")


def test_a_try_that_nobody_hears_of_again_is_made_again() -> None:
    world = World(upstream("a"), upstream("b"))
    world.fail(OVERLOADED, "a", FAILURES)
    for _ in range(3):
        world.now += COOLDOWN + 0.1
        assert sorted(world.names()) == ["a", "b"]


def test_an_answer_makes_everything_good() -> None:
    world = World(upstream("a"), upstream("b"))
    world.fail(OVERLOADED, "a", FAILURES)
    world.registry.health.record_success(Candidate("a", "m", None, 1))
    assert len(world.names()) == 2
    world.fail(OVERLOADED, "a", FAILURES - 1)
    assert len(world.names()) == 2


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (LIMITED, 7.0),
        (SPENT, LONGEST_COOLDOWN),
        (UpstreamError("Later.", status=429, retry_after=1e9), LONGEST_RETRY_AFTER),
    ],
)
def test_a_key_out_of_rate_or_quota_is_left_alone_for_as_long_as_it_says(error: UpstreamError, pause: float) -> None:
    world = World(upstream("a", keys=2))
    world.fail(error, "a", key=0)
    assert [one.key for one in world.order()] == [1]
    world.now += pause + 0.1
    assert len(world.order()) == 2


def test_a_model_is_down_with_all_keys_and_an_upstream_with_all_models() -> None:
    world = World(upstream("a", keys=2), upstream("b"))
    world.fail(OVERLOADED, "a", FAILURES, key=0)
    assert world.names("m") == ["b"]
    assert sorted(world.names("other")) == ["a", "a", "b"]
    world.fail(UNREACHABLE, "a", FAILURES, key=0)
    assert world.names("other") == ["b"]
    world.registry.health.record_success(Candidate("a", "other", 1, 1))
    assert sorted(world.names("other")) == ["a", "a", "b"]
    assert world.names("m") == ["b"]


def test_nobody_asks_twice_where_nobody_is() -> None:
    other, spare = {"upstream": "a", "model": "n", "weight": 0}, {"upstream": "b", "weight": 0}
    models: dict[str, object] = {"m": ["a", other, spare]}
    for error, then in ((UNREACHABLE, ["b"]), (OVERLOADED, ["a", "b"])):
        _, candidates = asked(World(upstream("a", keys=2), upstream("b"), models=models), error)
        assert [one.upstream for one in drained(candidates) if one.key in (None, 0)] == then


def test_the_only_one_is_always_asked() -> None:
    world = World(upstream("a"))
    for _ in range(10):
        candidates = world.candidates()
        candidates.next()
        assert not candidates.record_failure(OVERLOADED)
        assert same(candidates.final_error(), OVERLOADED)


# --- one request ----------------------------------------------------------------------------------------------------


def asked(world: World, *errors: UpstreamError) -> tuple[list[tuple[str, int | None]], Candidates]:
    """Return who is asked when one after the other fails with these errors."""
    candidates = world.candidates()
    found = []
    for error in errors:
        one = candidates.next()
        if one is None:
            break
        found.append((one.upstream, one.key))
        if not candidates.record_failure(error):
            break
    return found, candidates


SPARE: dict[str, object] = {"m": ["a", {"upstream": "b", "weight": 0}]}


@pytest.mark.parametrize("error", [LIMITED, SPENT, WRONG_KEY])
def test_another_key_is_asked_when_one_is_refused(error: UpstreamError) -> None:
    found, _ = asked(World(upstream("a", keys=2), upstream("b"), models=SPARE), error, error, OVERLOADED)
    assert [name for name, _ in found] == ["a", "a", "b"]
    assert {key for name, key in found if name == "a"} == {0, 1}


@pytest.mark.parametrize("error", [OVERLOADED, CRASHED, UNKNOWN, TOO_LARGE])
def test_no_other_key_helps_where_the_upstream_fails(error: UpstreamError) -> None:
    found, _ = asked(World(upstream("a", keys=2), upstream("b"), models=SPARE), error, OVERLOADED)
    assert [name for name, _ in found] == ["a", "b"]


@pytest.mark.parametrize("error", [MISTAKE, MISMADE])
def test_a_mistake_of_the_caller_or_of_the_model_is_nobody_elses(error: UpstreamError) -> None:
    found, candidates = asked(World(upstream("a", keys=2), upstream("b"), models=SPARE), error, OVERLOADED)
    assert [name for name, _ in found] == ["a"]
    assert same(candidates.final_error(), error)


def test_a_crash_counts_only_if_another_one_can_answer() -> None:
    """A request that crashes every model must not take them away from everybody else."""
    world = World(upstream("a"), upstream("b"), models=SPARE)
    for _ in range(FAILURES + 1):
        asked(world, CRASHED, CRASHED)
    assert world.names() == ["a", "b"]
    for _ in range(FAILURES):
        _, candidates = asked(world, CRASHED)
        candidates.next()
        candidates.record_success()
    assert world.names() == ["b"]


def test_the_last_failure_that_may_pass_is_told_with_the_shortest_wait() -> None:
    def verdict(*errors: UpstreamError) -> tuple[int, float | None]:
        fresh = [copy(error) for error in errors]
        _, candidates = asked(World(upstream("a"), upstream("b"), models=SPARE), *fresh)
        error = candidates.final_error()
        assert isinstance(error, UpstreamError)
        return error.status, error.retry_after

    assert verdict(LIMITED, OVERLOADED) == (503, 1.0)
    assert verdict(OVERLOADED, LIMITED) == (429, 1.0)
    assert verdict(LIMITED, UNKNOWN) == (429, 7.0)
    assert verdict(OVERLOADED, MISTAKE) == (400, None)
    assert verdict(UNKNOWN, UNKNOWN) == (400, None)
    assert verdict(LIMITED, CRASHED) == (500, 7.0)


def test_when_all_are_left_alone_it_is_said_for_how_long() -> None:
    world = World(upstream("a"), upstream("b"))
    world.fail(OVERLOADED, "a", FAILURES)
    world.now += 2
    world.fail(OVERLOADED, "b", FAILURES)
    candidates = world.candidates()
    assert candidates.next() is None
    error = candidates.final_error()
    assert (error.status, error.code, error.retry_after) == (503, "server_is_overloaded", COOLDOWN - 2)


def test_one_that_does_not_know_the_model_says_nothing_for_those_that_are_down() -> None:
    world = World(upstream("a"), upstream("b"), models=SPARE)
    world.fail(OVERLOADED, "a", FAILURES)
    _, candidates = asked(world, UNKNOWN)
    assert candidates.next() is None
    assert candidates.final_error().status == 503


def test_what_one_cannot_be_told_the_one_that_is_left_alone_may_take() -> None:
    refusal = RequestError("No such file here.")
    world = World(upstream("a", keys=2), upstream("b"), models=SPARE)
    candidates = world.candidates()
    while candidates.next() is not None:
        candidates.reject(refusal)
    assert same(candidates.final_error(), refusal)
    world.fail(UNREACHABLE, "a", FAILURES)
    candidates = world.candidates()
    assert (candidates.next() or candidates.current).upstream == "b"
    candidates.reject(refusal)
    assert candidates.next() is None
    assert candidates.final_error().status == 503


def test_the_names_of_what_an_upstream_lists() -> None:
    registry = World(upstream("a"), upstream("b"), models=MODELS).registry
    assert list(registry.find_names("a", "gpt-5")) == ["gpt-5", "groq/gpt-5"]
    assert list(registry.find_names("a", "gpt-4.1")) == ["groq/gpt-4.1"], "the name itself is another upstream's"
    assert list(registry.find_names("b", "azure-5")) == ["gpt-5"]
    assert list(registry.find_names("a", "llama-3.3-70b")) == ["groq/llama-3.3-70b", "fast"]
    assert list(registry.find_names("b", "nobody-s")) == []
    assert registry.list_names() == ["gpt-4.1", "fast"]
    assert list(World(upstream("default")).registry.find_names("default", "x")) == ["x"]
