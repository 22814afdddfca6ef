"""The caps of a policy worker, each with its unit and the reason for its default. Standard library only."""

from dataclasses import dataclass

from kubernaut.policy.input_text import MAX_INPUT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one evaluation may cost.

    Attributes
    ----------
    wall_time_s : float
        For one input. Shipped policies take under a millisecond; two seconds is a policy that will not end.
    batch_time_s : float or None
        For one call of `evaluate`; what was not judged by then is an Error. None sets no limit beyond the one per
        input.
    memory_mib : int
        Resident memory of the worker; Python and regopy take 30 MiB of it.
    input_bytes : int
        JSON text of one input.
    failures : int
        Limits hit or crashes in one batch until the rest of it is an Error too: a policy that hangs on every record
        must not hang for every record.
    start_time_s : float
        From exec, or from being connected, to the worker's hello.
    connect_time_s : float
        How long to try to reach a listener that does not answer.
    """

    wall_time_s: float = 2.0
    batch_time_s: float | None = None
    memory_mib: int = 512
    input_bytes: int = MAX_INPUT_BYTES
    failures: int = 8
    start_time_s: float = 20.0
    connect_time_s: float = 20.0
