"""The checks of histories find what they are for."""

import pytest
from support.histories import FAILED, OK, UNKNOWN, Change, Decision, Operation, faults_of_decisions, faults_of_register


def write(value, begun, ended, outcome=OK):
    return Operation("k", True, value, begun, ended, outcome)


def read(value, begun, ended):
    return Operation("k", False, value, begun, ended)


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([write(1, 0, 1), read(1, 2, 3), write(2, 4, 5), read(2, 6, 7)], None),
        ([write(1, 0, 1), write(2, 0, 5), read(1, 2, 3), read(2, 3, 4)], None),
        ([write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)], "gone while"),
        ([write(1, 0, 1), read(None, 2, 3)], "gone while"),
        ([write(1, 0, 1), write(2, 0, 9), read(2, 2, 3), read(1, 4, 5), read(2, 6, 7)], "there until|gone while"),
        ([write(1, 0, 1), write(2, 2, 3), write(3, 4, 5), read(1, 6, 7), read(3, 8, 9)], "there until"),
        ([write(1, 0, 1), read(1, 2, 9), write(2, 3, 4), read(1, 5, 6)], "gone while|there until"),
        ([read(1, 0, 1), write(1, 2, 3)], "before it is written"),
        ([write(1, 0, 1, FAILED), read(1, 2, 3)], "was refused"),
        ([read(7, 0, 1)], "nobody wrote"),
        ([write(1, 0, 1), write(2, 2, 3, UNKNOWN), read(1, 4, 5), read(2, 6, 7)], None),
        ([write(1, 0, 1), write(2, 2, 3, UNKNOWN), read(1, 4, 5)], None),
        ([write(1, 0, 1), write(2, 2, 3, UNKNOWN), read(2, 4, 5), read(1, 6, 7)], "gone while"),
    ],
)
def test_registers(operations, expected):
    faults = faults_of_register(operations)
    if expected is None:
        assert faults == []
    else:
        assert any(words in fault for fault in faults for words in expected.split("|")), faults


def test_stale_reads_are_allowed_within_their_bound():
    operations = [write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)]
    assert faults_of_register(operations) and not faults_of_register(operations, stale=1.5)
    assert faults_of_register(operations, stale=0.5)


def test_decisions():
    changes = [Change(True, 0, 1), Change(False, 5, 6)]
    for decision, is_fault in [
        (Decision(True, 2, 3), False),
        (Decision(True, 6.5, 7), False),
        (Decision(True, 7.5, 8), True),
        (Decision(False, 7.5, 8), False),
    ]:
        assert bool(faults_of_decisions(changes, [decision], within=1)) == is_fault, decision
    again = [*changes, Change(True, 9, 10, UNKNOWN)]
    assert not faults_of_decisions(again, [Decision(True, 11, 12)], within=1)
    assert faults_of_decisions([Change(True, 0, 1, FAILED)], [Decision(True, 2, 3)], within=1)
    assert not faults_of_decisions([*changes[:1], Change(False, 5, 6, UNKNOWN)], [Decision(True, 9, 10)], within=1)
