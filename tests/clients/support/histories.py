"""Checks of a recorded history: registers are linearizable, and what was revoked stays revoked.

Each written value is unique, so a history of a register is linearizable exactly if its values can be put in an order
(Gibbons and Korach, "Testing shared memories", 1997): the operations of one value, its write and its reads, take a span from
the first end of one of them to the last start of one. If the end is before the start, the register has the value during the
whole span; two such spans may not overlap, and the operations of no other value may all be within one.
"""

import math
from collections import defaultdict
from dataclasses import dataclass

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"


@dataclass(frozen=True)
class Operation:
    """A write of a value, or a read that returned it."""

    key: str
    is_write: bool
    value: object
    begun: float
    ended: float
    outcome: str = OK


def faults_of_register(operations, initial=None, stale=0.0):
    """The contradictions in the operations on one key; reads may show what was there up to `stale` seconds before them."""
    writes = {op.value: op for op in operations if op.is_write}
    spans, faults = {}, []
    written = {initial: (-math.inf, -math.inf)}
    for value, op in writes.items():
        # A write whose outcome is not known may take effect at any later time.
        written[value] = (op.begun, op.ended if op.outcome == OK else math.inf)
    reads = [op for op in operations if not op.is_write and op.outcome == OK]
    for read in reads:
        write = writes.get(read.value)
        if read.value not in written:
            faults.append(f"{read}: nobody wrote this value")
        elif write and write.outcome == FAILED:
            faults.append(f"{read}: the write was refused, {write}")
        elif read.ended < written[read.value][0]:
            faults.append(f"{read}: the value is read before it is written")
    if faults:
        return faults
    reads_of = defaultdict(list)
    for read in reads:
        reads_of[read.value].append(read)
    for value, (begun, ended) in written.items():
        own = reads_of[value]
        is_done = value == initial or writes[value].outcome == OK
        if not is_done and not own:
            continue
        first_end = min([ended, *(read.ended for read in own)])
        last_start = max([begun, *(read.begun - stale for read in own)])
        spans[value] = (first_end, last_start)
    held = sorted((first, last, value) for value, (first, last) in spans.items() if first < last)
    for (_, last, value), (first, _, other) in zip(held, held[1:]):
        if first < last:
            faults.append(f"{value!r} is there until {last:.3f}, after {other!r} is there at {first:.3f}")
    for value, (first, last) in spans.items():
        if first >= last:
            inside = [other for begun, ended, other in held if begun < last and first < ended]
            faults += [f"{value!r} is written and gone while {other!r} is there" for other in inside]
    return faults


@dataclass(frozen=True)
class Change:
    """A permission that was given or taken away."""

    is_grant: bool
    begun: float
    ended: float
    outcome: str = OK


@dataclass(frozen=True)
class Decision:
    """What a server decided."""

    is_allowed: bool
    begun: float
    ended: float


def faults_of_decisions(changes, decisions, within):
    """Decisions that allow what was revoked more than `within` seconds before they were asked for, or was never granted."""
    changes = sorted(changes, key=lambda change: change.begun)
    faults = []
    for decision in decisions:
        if not decision.is_allowed:
            continue
        # A grant that may have taken effect before the answer and was not certainly taken away long before the question.
        granted = False
        for change in changes:
            if change.is_grant and change.outcome != FAILED and change.begun < decision.ended:
                granted = True
            elif not change.is_grant and change.outcome == OK and change.ended + within < decision.begun:
                granted = False
        if not granted:
            faults.append(f"{decision} allows what is not granted")
    return faults
