"""SealPolicy: what a client carries for us from one request to the next, so that it can neither read nor change it.

A sealed text is base64url behind the prefix `ra1_`, so that another product's is told at a glance: the id of the key,
a byte that says whether the payload is compressed, a nonce, and the payload under AES-256-GCM. The tenant and the
upstream are authenticated with it: for anybody else it cannot be opened. The first key seals, every key opens, so a
key is changed by putting a new one in front. What cannot be opened, whatever the reason, is None, never an error.
"""

import os
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING, Final

import gevent
import structlog
import zstandard

from adapter.settings.settings import Settings
from adapter.store.base import StoreDown
from adapter.store.protocols import ValueStore

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX: Final = "ra1_"
_STORED: Final = "secret/"
_CENTURY: Final = 100 * 365 * 86400.0
_MOMENT: Final = 0.5
"""Seconds in which others, that looked before a secret was there, have put theirs."""
_SHORT: Final = 512
"""Bytes up to which a payload is not compressed."""
_MOST: Final = 64 * 1024 * 1024
"""Bytes of an opened payload."""
_LEAST: Final = 32
"""Characters of a secret."""
_KEY_ID, _NONCE, _TAG = 4, 12, 16
"""Bytes of the parts of a sealed text."""
_HEAD: Final = _KEY_ID + 1 + _NONCE
_PLAIN, _COMPRESSED = b"\0", b"\1"

log = structlog.get_logger()


class Keyring:
    """TenantSealer and opens with keys made from secrets; the first seals.

    The keys are made when they are first needed: their library takes 4 MB, and most workers never need it.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = secrets

    @cached_property
    def _ciphers(self) -> "dict[bytes, AESGCM]":
        """The ciphers by key id, in the order of the secrets."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return {id: AESGCM(key) for id, key in map(_derived, self._secrets)}

    def seal(self, payload: bytes, *, tenant: str, upstream: str) -> str:
        form = _PLAIN
        if len(payload) > _SHORT:
            form, payload = _COMPRESSED, zstandard.compress(payload, 3)
        id, cipher = next(iter(self._ciphers.items()))
        head = id + form + os.urandom(_NONCE)
        body = cipher.encrypt(head[-_NONCE:], payload, _bound(head, tenant, upstream))
        return PREFIX + urlsafe_b64encode(head + body).decode().rstrip("=")

    def unseal(self, text: str, *, tenant: str, upstream: str) -> bytes | None:
        """Return what was sealed; None if it was not sealed with one of the keys, for this tenant and upstream."""
        from cryptography.exceptions import InvalidTag

        if not text.startswith(PREFIX):
            return None
        try:
            sealed = _from_base64(text[len(PREFIX) :])
        except ValueError:
            return None
        head, body = sealed[:_HEAD], sealed[_HEAD:]
        cipher = self._ciphers.get(head[:_KEY_ID])
        if cipher is None or len(body) < _TAG:
            return None
        try:
            payload = cipher.decrypt(head[-_NONCE:], body, _bound(head, tenant, upstream))
        except InvalidTag:
            return None
        return _decompressed(payload) if head[_KEY_ID:-_NONCE] == _COMPRESSED else payload


class TenantSealer:
    """The seals of one tenant for one upstream."""

    def __init__(self, keyring: Keyring, tenant: str, upstream: str) -> None:
        self._keyring = keyring
        self._tenant = tenant
        self._upstream = upstream

    def seal(self, payload: bytes) -> str:
        return self._keyring.seal(payload, tenant=self._tenant, upstream=self._upstream)

    def unseal(self, text: str) -> bytes | None:
        return self._keyring.unseal(text, tenant=self._tenant, upstream=self._upstream)


def open_keyring(settings: Settings, store: ValueStore) -> Keyring:
    """Return the keyring of these settings.

    Without `secret_key`, its secret lies in a file beside the SQLite file, or else in `store`. Raises StoreDown if
    it can neither be read nor written.
    """
    if settings.secret_key:
        return Keyring(settings.secret_key)
    url = settings.store_url
    if url.kind == "memory":
        log.warning("secret key generated", kept="until this process ends")
        return Keyring([_new_secret()])
    if url.kind != "sqlite":
        return Keyring(_stored_secrets(store))
    path = url.path
    try:
        secret = _kept_secret(Path(path + ".key"))
    except OSError as error:
        raise StoreDown(f"the secret key {path}.key cannot be used ({error.strerror})") from error
    if len(secret) < _LEAST:
        raise StoreDown(f"the secret key {path}.key is damaged; take it away to have a new one made")
    return Keyring([secret])


def _stored_secrets(store: ValueStore) -> list[str]:
    """Return the secrets in a store, the oldest first; make one if there is none.

    Of several processes that do so in the same moment, each sees all, and the oldest is the one that seals.
    """
    now = time.time()
    if not store.values(_STORED, now):
        store.set_value(f"{_STORED}{time.time_ns():020}-{os.urandom(4).hex()}", _new_secret().encode(), now + _CENTURY)
        gevent.sleep(_MOMENT)
        log.info("secret key generated", kept="in the store")
    kept = store.values(_STORED, now)
    return [kept[key].decode() for key in sorted(kept)]


def _kept_secret(path: Path) -> str:
    """Return the secret in a file; make the file if it is not there. Of several processes that do, one wins."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = mkstemp(dir=path.parent, prefix=path.name)  # of mode 0600
        try:
            with open(descriptor, "w") as file:
                file.write(_new_secret() + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)  # with its contents, or not at all
            log.info("secret key generated", kept=str(path))
        except FileExistsError:
            pass  # another process was faster
        finally:
            os.unlink(draft)
    return path.read_text().strip()


def _new_secret() -> str:
    return urlsafe_b64encode(os.urandom(32)).decode()


def _derived(secret: str) -> tuple[bytes, bytes]:
    """Return the id and the key that a secret gives."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    material = HKDF(SHA256(), _KEY_ID + 32, salt=None, info=b"responses-adapter sealing 1").derive(secret.encode())
    return material[:_KEY_ID], material[_KEY_ID:]


def _bound(head: bytes, tenant: str, upstream: str) -> bytes:
    """Return what is authenticated with a payload: no two tenants and upstreams give the same."""
    return b"%b%b%d:%b%b" % (PREFIX.encode(), head, len(tenant.encode()), tenant.encode(), upstream.encode())


def _from_base64(text: str) -> bytes:
    """Return the bytes of base64url without padding; raise ValueError for anything else."""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except NotBase64 as error:
        raise ValueError from error
    if urlsafe_b64encode(data).decode().rstrip("=") != text:
        raise ValueError  # the decoder passes over characters that do not belong there
    return data


def _decompressed(payload: bytes) -> bytes | None:
    if not 0 <= zstandard.frame_content_size(payload) <= _MOST:
        return None
    return zstandard.decompress(payload)
