"""Signatures of webhooks, as the Standard Webhooks specification has them.

The signed text is ``id.timestamp.body``, the method HMAC-SHA256, the header a list of ``v1,<base64>``:
one for each secret, so that a receiver accepts us before and after a rotation.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import SecretStr

from steelyard.core import clock
from steelyard.core.errors import ConfigurationError, UnauthenticatedError

SECRETS_MAX = 2
TOLERANCE_S = 300
_PREFIX = "whsec_"


def sign(secrets: Sequence[SecretStr], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a webhook; without a secret there is no signature among them."""
    timestamp = str(int(at.timestamp()))
    headers = {"webhook-id": message_id, "webhook-timestamp": timestamp}
    if secrets:
        headers["webhook-signature"] = " ".join(_signature(secret, message_id, timestamp, body) for secret in secrets)
    return headers


def verify(secrets: Sequence[SecretStr], headers: Mapping[str, str], body: bytes) -> None:
    """Refuse a webhook that none of ``secrets`` signed, or that is older or newer than ``TOLERANCE_S`` seconds.

    Raises:
        UnauthenticatedError: with the reason.
    """
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise _refused(f"`webhook-timestamp` was {timestamp[:50]!r}, not a time in seconds")
    if abs(clock.now().timestamp() - int(timestamp)) > TOLERANCE_S:
        raise _refused(f"`webhook-timestamp` was {timestamp}, more than {TOLERANCE_S} s from now")
    given = headers.get("webhook-signature", "").encode().split(b" ")
    good = [_signature(secret, message_id, timestamp, body).encode() for secret in secrets]
    if not any(hmac.compare_digest(one, other) for one in given for other in good):
        raise _refused("none of its signatures is one of ours")


def checked_secrets(secrets: Sequence[SecretStr]) -> tuple[SecretStr, ...]:
    """``secrets``, at most two and each usable.

    Raises:
        ConfigurationError: otherwise; no secret is in the message.
    """
    if len(secrets) > SECRETS_MAX:
        message = (
            f"`STEELYARD_WEBHOOK_SECRETS` had {len(secrets)} secrets; it has the new one and, in a rotation, the old"
        )
        raise ConfigurationError(message, code="INVALID_WEBHOOK_SECRET")
    for secret in secrets:
        try:
            _key(secret)
        except (binascii.Error, ValueError):
            message = "`STEELYARD_WEBHOOK_SECRETS` had a secret that begins with whsec_ and is not base64"
            raise ConfigurationError(message, code="INVALID_WEBHOOK_SECRET") from None
    return tuple(secrets)


def _signature(secret: SecretStr, message_id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()


def _key(secret: SecretStr) -> bytes:
    text = secret.get_secret_value()
    return base64.b64decode(text.removeprefix(_PREFIX), validate=True) if text.startswith(_PREFIX) else text.encode()


def _refused(reason: str) -> UnauthenticatedError:
    return UnauthenticatedError(f"the webhook is refused: {reason}", code="SIGNATURE_REFUSED")
