"""What an API server's answers mean: lines of a watch, and which error a refusal is."""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from kubernaut.errors import (
    ApiError,
    BusyError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    NotFoundError,
)


def lines_of(response: Any) -> Iterator[bytes]:
    """Cut the stream of a watch at its line ends; an event may come in several pieces."""
    left = b""
    for piece in response.stream(amt=None, decode_content=True):
        left += piece
        *lines, left = left.split(b"\n")
        yield from (line for line in lines if line)


def status_of(text: bytes) -> dict[str, Any]:
    """Give what the server says of a request that it did not carry out."""
    try:
        status: dict[str, Any] = json.loads(text)
    except ValueError:
        return {"message": text.decode(errors="replace")[:300]}
    return status if isinstance(status, dict) else {}


def error_of(what: str, code: int, status: dict[str, Any], headers: Mapping[str, str]) -> ApiError:
    """Give the error that an answer means; `what` is the request, in words."""
    reason = str(status.get("reason", ""))
    said = str(status.get("message", ""))
    message = f"{what}: {code} {reason}: {said}"
    if code == HTTPStatus.NOT_FOUND:
        return NotFoundError(message, status=code, reason=reason, said=said)
    if code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ForbiddenError(message, status=code, reason=reason, said=said)
    if code == HTTPStatus.CONFLICT:
        return ConflictError(message, status=code, reason=reason, said=said)
    if code == HTTPStatus.GONE:
        return ExpiredError(message, status=code, reason=reason, said=said)
    if code == HTTPStatus.TOO_MANY_REQUESTS or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        details = status.get("details") or {}
        told = headers.get("Retry-After") or details.get("retryAfterSeconds")
        retry_after_s = float(told) if told is not None and str(told).isdecimal() else None
        return BusyError(message, status=code, reason=reason, said=said, retry_after_s=retry_after_s)
    return ApiError(message, status=code, reason=reason, said=said)
