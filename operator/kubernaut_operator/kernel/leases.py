"""Who leads, decided from a Lease and this replica's own monotonic clock.

Clocks of different machines are never compared: another holder counts as alive until its record has not changed for
the lease's duration *as seen here*. A renewal counts from the moment before it was sent, so the lead ends here before
anybody else can take it over. All functions are pure.

References
----------
client-go, `tools/leaderelection/leaderelection.go`; KEP-1965 for Leases of replicas.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

LEASE_S = 15.0
RENEW_LIMIT_S = 10.0
RETRY_S = 2.0
"""Duration of the lease, how long a leader goes on without a renewal that succeeded, and the pause between tries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseView:
    """What this replica has seen of the Lease.

    Attributes
    ----------
    holder : str
        Empty when nobody holds it.
    renewed : str
        The record's renewTime as written; compared for change only.
    seen_at : float, unit s
        Monotonic moment at which this record was first seen here.
    duration_s : float, unit s
        As the record states it.
    """

    holder: str = ""
    renewed: str = ""
    seen_at: float = float("-inf")
    duration_s: float = LEASE_S


def look(view: LeaseView, lease: dict[str, Any], *, now: float) -> LeaseView:
    """Take in the Lease as just read."""
    spec = lease.get("spec") or {}
    holder, renewed = str(spec.get("holderIdentity") or ""), str(spec.get("renewTime") or "")
    if (holder, renewed) == (view.holder, view.renewed):
        return view
    duration_s = float(spec.get("leaseDurationSeconds") or LEASE_S)
    return LeaseView(holder=holder, renewed=renewed, seen_at=now, duration_s=duration_s)


def may_take(view: LeaseView, *, identity: str, now: float) -> bool:
    """Say whether this replica may write itself into the Lease."""
    return view.holder in ("", identity) or now >= view.seen_at + view.duration_s


def claim(lease: dict[str, Any], *, identity: str, wall: datetime) -> dict[str, Any]:
    """Give the Lease with this replica as its holder; `wall` is what people read in it, nothing is decided by it."""
    spec = dict(lease.get("spec") or {})
    moment = wall.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if spec.get("holderIdentity") != identity:
        spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
        spec["acquireTime"] = moment
    spec |= {"holderIdentity": identity, "renewTime": moment, "leaseDurationSeconds": int(LEASE_S)}
    return {**lease, "spec": spec}


def release(lease: dict[str, Any]) -> dict[str, Any]:
    """Give the Lease without a holder, so that another replica need not wait for it to end."""
    return {**lease, "spec": {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """Whether this replica leads.

    Attributes
    ----------
    renewed_at : float or None, unit s
        Monotonic moment just before the last renewal that succeeded was sent; None when it does not lead.
    """

    renewed_at: float | None = None

    def holds(self, now: float) -> bool:
        """Say whether it may still write: five seconds before anybody else could lead it may not any more."""
        return self.renewed_at is not None and now < self.renewed_at + RENEW_LIMIT_S

    def renewed(self, *, sent_at: float) -> "Lead":
        """Note a renewal that succeeded."""
        return replace(self, renewed_at=sent_at)
