"""Sealing: payloads that a client carries from one request to the next, and can neither read nor change.

A sealed text is the prefix `ra1_`, which distinguishes it from other products' texts, and base64url of: the id of the
key, a byte that says whether the payload is compressed, a nonce, and the payload encrypted with AES-256-GCM. The tenant
and the upstream are authenticated with it, so no other tenant or upstream can unseal it. The first key seals and every
key unseals, so a key is rotated by putting a new one in front. A text that cannot be unsealed, for whatever reason,
gives None and never an error. Source: RFC 5116 §5.2; RFC 5869.
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
import zstandard
from msgspec import Struct

from adapter.settings.settings import Settings
from adapter.store.base import StoreDown
from adapter.store.protocols import ValueStore
from adapter.telemetry.logs import log

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX: Final = "ra1_"
_SECRETS_PREFIX: Final = "secret/"
"""Of the keys under which the store has secrets."""
_SECRET_LIFETIME_SECONDS: Final = 100 * 365 * 86400.0
"""For ever, in a store whose values all expire."""
_RACE_SECONDS: Final = 0.5
"""Time in which every other process that found no secret has stored its own: a store call takes milliseconds."""
_MIN_COMPRESSED_BYTES: Final = 512
"""Shorter payloads are not compressed: it would save next to nothing."""
_MAX_PAYLOAD_BYTES: Final = 64 * 1024 * 1024
"""Of an unsealed payload: more than any that was sealed (an answer has 64 MiB by default), so that a small text cannot
be made to fill the memory."""
_MIN_SECRET_CHARACTERS: Final = 32
"""As the setting `secret_key` has it; the generated ones have 44."""
_KEY_ID_BYTES, _NONCE_BYTES, _TAG_BYTES = 4, 12, 16
_HEAD_BYTES: Final = _KEY_ID_BYTES + 1 + _NONCE_BYTES
_PLAIN, _COMPRESSED = b"\0", b"\1"


class Keyring:
    """Seals and unseals for all tenants, with keys derived from secrets; the first key seals.

    The keys are derived at the first use: their library takes 4 MB, and most workers never need it.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = secrets

    @cached_property
    def _ciphers(self) -> "dict[bytes, AESGCM]":
        """The ciphers by key id, in the order of the secrets."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return {id: AESGCM(key) for id, key in map(_derive_key, self._secrets)}

    def seal(self, payload: bytes, *, tenant: str, upstream: str) -> str:
        """Return a payload as text that only this keyring unseals, for this tenant and upstream."""
        form = _PLAIN
        if len(payload) > _MIN_COMPRESSED_BYTES:
            form, payload = _COMPRESSED, zstandard.compress(payload, 3)
        id, cipher = next(iter(self._ciphers.items()))
        head = id + form + os.urandom(_NONCE_BYTES)
        body = cipher.encrypt(head[-_NONCE_BYTES:], payload, _associated_data(head, tenant, upstream))
        return PREFIX + urlsafe_b64encode(head + body).decode().rstrip("=")

    def unseal(self, text: str, *, tenant: str, upstream: str) -> bytes | None:
        """Return the payload; None: it was not sealed with one of the keys for this tenant and upstream."""
        from cryptography.exceptions import InvalidTag

        if not text.startswith(PREFIX):
            return None
        try:
            sealed = _decode_base64(text[len(PREFIX) :])
        except ValueError:
            return None
        head, body = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES:]
        cipher = self._ciphers.get(head[:_KEY_ID_BYTES])
        if cipher is None or len(body) < _TAG_BYTES:
            return None
        try:
            payload = cipher.decrypt(head[-_NONCE_BYTES:], body, _associated_data(head, tenant, upstream))
        except InvalidTag:
            return None
        return _decompress(payload) if head[_KEY_ID_BYTES:-_NONCE_BYTES] == _COMPRESSED else payload


class TenantSealer(Struct, frozen=True):
    """Seals and unseals for one tenant and one upstream; the `Sealer` of a translation."""

    keyring: Keyring
    tenant: str
    upstream: str

    def seal(self, payload: bytes) -> str:
        return self.keyring.seal(payload, tenant=self.tenant, upstream=self.upstream)

    def unseal(self, text: str) -> bytes | None:
        return self.keyring.unseal(text, tenant=self.tenant, upstream=self.upstream)


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
        return Keyring(_read_or_store_secrets(store))
    path = url.path
    try:
        secret = _read_or_create_secret(Path(path + ".key"))
    except OSError as error:
        raise StoreDown(f"the secret key {path}.key cannot be used ({error.strerror})") from error
    if len(secret) < _MIN_SECRET_CHARACTERS:
        raise StoreDown(f"the secret key {path}.key is damaged; take it away to have a new one made")
    return Keyring([secret])


def _read_or_store_secrets(store: ValueStore) -> list[str]:
    """Return the secrets in a store, oldest first; create one if there is none.

    Several processes may do so at the same moment: each then sees all secrets, and seals with the oldest.
    """
    now = time.time()
    if not store.values(_SECRETS_PREFIX, now):
        key = f"{_SECRETS_PREFIX}{time.time_ns():020}-{os.urandom(4).hex()}"
        store.set_value(key, _new_secret().encode(), now + _SECRET_LIFETIME_SECONDS)
        gevent.sleep(_RACE_SECONDS)
        log.info("secret key generated", kept="in the store")
    kept = store.values(_SECRETS_PREFIX, now)
    return [kept[key].decode() for key in sorted(kept)]


def _read_or_create_secret(path: Path) -> str:
    """Return the secret in a file; create the file if it is missing. Of several processes that do, one wins."""
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


def _derive_key(secret: str) -> tuple[bytes, bytes]:
    """Return the id and the AES key that are derived from a secret."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derivation = HKDF(SHA256(), _KEY_ID_BYTES + 32, salt=None, info=b"responses-adapter sealing 1")
    material = derivation.derive(secret.encode())
    return material[:_KEY_ID_BYTES], material[_KEY_ID_BYTES:]


def _associated_data(head: bytes, tenant: str, upstream: str) -> bytes:
    """Return the data authenticated with a payload, different for every pair of tenant and upstream."""
    return b"%b%b%d:%b%b" % (PREFIX.encode(), head, len(tenant.encode()), tenant.encode(), upstream.encode())


def _decode_base64(text: str) -> bytes:
    """Return the bytes of base64url without padding; raise ValueError for anything else."""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except NotBase64 as error:
        raise ValueError from error
    if urlsafe_b64encode(data).decode().rstrip("=") != text:
        raise ValueError  # the decoder skips characters outside the alphabet
    return data


def _decompress(payload: bytes) -> bytes | None:
    if not 0 <= zstandard.frame_content_size(payload) <= _MAX_PAYLOAD_BYTES:
        return None
    return zstandard.decompress(payload)
