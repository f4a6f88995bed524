"""Sealed payloads: only the tenant and the upstream they are for can open them, with any key that is still known."""

import os
import subprocess
import sys
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import gevent
import pytest

from adapter.history.sealing import PREFIX, Keyring, TenantSealer, open_keyring
from adapter.settings.settings import Settings
from adapter.store.base import StoreDown
from adapter.store.memory import MemoryStore

OLD, NEW = "o" * 32, "n" * 32
FOR = {"tenant": "t", "upstream": "gemini/m"}
SHORT = b'{"text":"Hm."}'
PAYLOADS = {"empty": b"", "short": SHORT, "long": b'{"text":"%b"}' % (b"Let me think. " * 1000)}

keyring = Keyring([NEW])


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=list(PAYLOADS))
def test_what_was_sealed_can_be_opened(payload: bytes) -> None:
    assert keyring.unseal(keyring.seal(payload, **FOR), **FOR) == payload


def test_a_long_payload_is_compressed() -> None:
    assert len(keyring.seal(PAYLOADS["long"], **FOR)) < 400


def test_a_seal_shows_nothing_and_is_never_the_same_twice() -> None:
    sealed = keyring.seal(SHORT, **FOR)
    assert sealed != keyring.seal(SHORT, **FOR)
    assert b"Hm." not in urlsafe_b64decode(sealed.removeprefix(PREFIX) + "==")


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=list(PAYLOADS))
def test_a_changed_seal_cannot_be_opened_whatever_changed(payload: bytes) -> None:
    text = keyring.seal(payload, **FOR).removeprefix(PREFIX)
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        forged = PREFIX + urlsafe_b64encode(changed).decode().rstrip("=")
        assert keyring.unseal(forged, **FOR) is None, f"byte {at}"


def test_a_seal_that_was_cut_or_lengthened_cannot_be_opened() -> None:
    sealed = keyring.seal(SHORT, **FOR)
    cut = [sealed[:size] for size in range(len(sealed))]
    others = cut + [sealed + end for end in ("A", "AAAA", "=", " ", "\n", "é")]
    assert [keyring.unseal(other, **FOR) for other in others] == [None] * len(others)


@pytest.mark.parametrize(
    "other",
    [{"tenant": "u"}, {"upstream": "openrouter/m"}, {"tenant": "tgemini", "upstream": "/m"}, {"tenant": ""}],
)
def test_nobody_else_can_open_a_seal(other: dict[str, str]) -> None:
    assert keyring.unseal(keyring.seal(SHORT, **FOR), **(FOR | other)) is None


@pytest.mark.parametrize("text", ["", "gAAAAABmQ0h5c2Vj", "ra1", PREFIX, f"{PREFIX}!", f"{PREFIX}AAAA", "x" * 10_000])
def test_what_others_sealed_is_nothing(text: str) -> None:
    assert keyring.unseal(text, **FOR) is None


def test_a_new_key_in_front_seals_and_the_old_one_still_opens() -> None:
    before = Keyring([OLD]).seal(SHORT, **FOR)
    both = Keyring([NEW, OLD])
    assert both.unseal(before, **FOR) == SHORT
    after = both.seal(SHORT, **FOR)
    assert Keyring([OLD]).unseal(after, **FOR) is None
    assert keyring.unseal(after, **FOR) == SHORT
    assert keyring.unseal(before, **FOR) is None


def test_the_seals_of_a_tenant_are_its_own() -> None:
    sealed = TenantSealer(keyring, "t", "gemini/m").seal(SHORT)
    assert TenantSealer(keyring, "t", "gemini/m").unseal(sealed) == SHORT
    assert TenantSealer(keyring, "u", "gemini/m").unseal(sealed) is None


def test_without_a_secret_one_is_kept_beside_the_store(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path}/var/adapter.db")
    sealed = open_keyring(settings, MemoryStore()).seal(SHORT, **FOR)
    assert open_keyring(settings, MemoryStore()).unseal(sealed, **FOR) == SHORT
    assert [(file.name, file.stat().st_mode & 0o777) for file in (tmp_path / "var").iterdir()] == [
        ("adapter.db.key", 0o600)
    ]


def test_a_secret_that_is_set_leaves_no_file(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path}/adapter.db", secret_key=(OLD,))
    assert open_keyring(settings, MemoryStore()).unseal(Keyring([OLD]).seal(SHORT, **FOR), **FOR) == SHORT
    assert not list(tmp_path.iterdir())


def test_two_stores_in_memory_do_not_share_a_secret() -> None:
    sealed = open_keyring(Settings(store="memory:"), MemoryStore()).seal(SHORT, **FOR)
    assert open_keyring(Settings(store="memory:"), MemoryStore()).unseal(sealed, **FOR) is None


def test_without_a_secret_one_is_kept_in_a_store_of_many_machines() -> None:
    class Distant(MemoryStore):
        """Whose answers are on their way while others ask."""

        def values(self, prefix: str, now: float) -> dict[str, bytes]:
            found = super().values(prefix, now)
            gevent.sleep(0)
            return found

    settings, store = Settings(store="postgresql+psycopg://db/responses"), Distant()
    opening = [gevent.spawn(open_keyring, settings, store) for _ in range(3)]
    gevent.joinall(opening, raise_error=True)
    assert len(store.values("secret/", time.time())) == 3, "each began before another had put its secret"
    keyrings = [*(one.value for one in opening), open_keyring(settings, store)]
    for one in keyrings:
        sealed = one.seal(SHORT, **FOR)
        assert [other.unseal(sealed, **FOR) for other in keyrings] == [SHORT] * 4


def test_a_secret_that_cannot_be_kept_is_a_store_that_is_down(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreDown, match="secret key"):
        open_keyring(Settings(store=f"sqlite:///{tmp_path}/file/adapter.db"), MemoryStore())


def test_a_secret_that_lost_its_end_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "adapter.db.key").write_text("")
    with pytest.raises(StoreDown, match="secret key"):
        open_keyring(Settings(store=f"sqlite:///{tmp_path}/adapter.db"), MemoryStore())


def test_workers_that_start_at_once_agree(tmp_path: Path) -> None:
    program = (
        "import sys; from adapter.history.sealing import open_keyring; from adapter.settings.settings import Settings; "
        "from adapter.store.memory import MemoryStore; sys.stdin.read();"
        f"keyring = open_keyring(Settings(store='sqlite:///{tmp_path}/adapter.db'), MemoryStore());"
        "print(keyring.seal(b'x', tenant='t', upstream='u'))"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": os.environ["PATH"]},
        )
        for _ in range(4)
    ]  # fmt: skip
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.close()  # they are waiting for this
        worker.stdin = None
    seals = [worker.communicate()[0].splitlines()[-1] for worker in workers]
    ours = open_keyring(Settings(store=f"sqlite:///{tmp_path}/adapter.db"), MemoryStore())
    assert [ours.unseal(sealed, tenant="t", upstream="u") for sealed in seals] == [b"x"] * 4
    assert [file.name for file in tmp_path.iterdir()] == ["adapter.db.key"]
