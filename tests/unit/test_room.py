"""Exact amounts, what fits, and how often a task may be overtaken."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskrun.room import Request, Room, clamped, shortage


def asks(**amounts: str | int) -> Request:
    return tuple((pool, Fraction(amount)) for pool, amount in amounts.items())


def pools(**amounts: str | int) -> dict[str, Fraction]:
    return {pool: Fraction(amount) for pool, amount in amounts.items()}


def test_ten_tenths_are_one() -> None:
    tenth = asks(cores="0.1")
    room = Room(pools(cores=1), [tenth, asks(cores="1/3")])
    kind = room.kind(tenth)
    for turn in range(11):
        room.queue(kind, turn)
    for turn in range(10):
        assert room.first() == turn
        room.take(kind, turn)
    assert room.free("cores") == 0
    assert room.first() is None
    for _ in range(10):
        room.give_back(kind)
    assert room.is_idle


def test_more_cores_than_there_are_means_all_of_them() -> None:
    room = Room(pools(cores="2.5"), [asks(cores=8)])
    kind = room.kind(asks(cores=8))
    room.queue(kind, 0)
    room.take(kind, 0)
    assert room.free("cores") == 0
    assert clamped(asks(cores=8, memory=1), pools(cores=2, memory=4)) == asks(cores=2, memory=1)


def test_a_request_that_no_pool_can_satisfy_is_named() -> None:
    there = pools(cores=2, memory=4)
    assert shortage(asks(cores=8, memory=4), there) is None
    assert shortage(asks(memory=5), there) == ("memory", Fraction(5), Fraction(4))
    assert shortage(asks(licence=1), there) == ("licence", Fraction(1), Fraction(0))
    assert shortage(asks(licence=0), there) is None


def test_a_request_for_nothing_always_fits() -> None:
    nothing = asks(cores=0)
    room = Room(pools(cores=1), [nothing, asks(cores=1)])
    room.hold(room.kind(asks(cores=1)))
    for turn in range(5):
        room.queue(room.kind(nothing), turn)
        assert room.first() == turn
        room.take(room.kind(nothing), turn)


def test_the_earliest_that_fits_is_first() -> None:
    big, small = asks(cores=2), asks(cores=1)
    room = Room(pools(cores=2), [big, small])
    room.hold(room.kind(small))
    room.queue(room.kind(small), 7)
    room.queue(room.kind(big), 3)
    room.queue(room.kind(small), 5)
    assert room.first() == 5
    room.give_back(room.kind(small))
    assert room.first() == 3


def test_what_runs_from_before_may_hold_more_than_there_is() -> None:
    one = asks(cores=1)
    room = Room(pools(cores=1), [one])
    kind = room.kind(one)
    room.hold(kind)
    room.hold(kind)
    room.queue(kind, 0)
    assert room.free("cores") == -1
    room.give_back(kind)
    assert room.first() is None
    room.give_back(kind)
    assert room.first() == 0


def test_a_big_task_is_overtaken_ten_times_per_core_and_no_more() -> None:
    big, small = asks(cores=2), asks(cores=1)
    room = Room(pools(cores=2), [big, small])
    kind = room.kind(small)
    for turn in range(1, 100):
        room.queue(kind, turn)
    room.take(kind, 1)
    room.queue(room.kind(big), 0)
    turn = 1
    while (first := room.first()) is not None:  # one core is always taken, the other falls free again and again
        turn = first
        room.take(kind, turn)
        room.give_back(kind)
    assert turn - 1 == room.limit == 20
    room.give_back(kind)
    assert room.first() == 0


def test_a_task_short_of_one_pool_lets_pass_who_asks_for_another() -> None:
    both, core, token = asks(cores=1, token=1), asks(cores=1), asks(cores=0, token=1)
    room = Room(pools(cores=2, token=1), [both, core, token])
    room.hold(room.kind(token))
    room.queue(room.kind(both), 0)
    for turn in range(1, 200):
        room.queue(room.kind(core), turn)
        assert room.first() == turn  # one core is left for the earlier task, which is short of the token only
        room.take(room.kind(core), turn)
        room.give_back(room.kind(core))


# the bound, against a counter for each task

AMOUNTS = ["0", "1/2", "1", "3/2", "2", "3"]
REQUESTS = [asks(cores=cores, token=token) for cores in AMOUNTS for token in (0, 1, 2)]


class Naive:
    """Each waiting task with the number of times that it was overtaken by one that takes what it is short of."""

    def __init__(self, there: dict[str, Fraction]) -> None:
        self.free = dict(there)
        self.waiting: dict[int, Request] = {}
        self.overtaken: dict[int, int] = {}

    def take(self, turn: int, there: dict[str, Fraction]) -> None:
        request = dict(clamped(self.waiting.pop(turn), there))
        for earlier, other in self.waiting.items():
            short = {pool for pool, amount in clamped(other, there) if amount > self.free[pool]}
            if earlier < turn and any(request[pool] for pool in short):
                self.overtaken[earlier] = self.overtaken.get(earlier, 0) + 1
        for pool, amount in request.items():
            self.free[pool] -= amount


@pytest.mark.parametrize("cores", ["1", "2", "3"])
@settings(max_examples=25, deadline=None)
@given(draws=st.data())
def test_no_task_is_overtaken_more_than_the_limit_and_all_get_their_place(cores: str, draws: st.DataObject) -> None:
    there = pools(cores=cores, token=2)
    room = Room(there, REQUESTS)
    naive = Naive(there)
    random = draws.draw(st.randoms(use_true_random=False))
    kinds = random.sample(REQUESTS, random.randint(2, 5))
    turns = list(range(100))
    if random.random() < 0.7:  # big ones early, so that they have something to be overtaken by
        kinds.sort(key=lambda request: request[0][1] + request[1][1], reverse=True)
    request_of = {turn: kinds[min(turn // 5, len(kinds) - 1)] if turn < 20 else random.choice(kinds) for turn in turns}
    random.shuffle(turns)
    running: list[int] = []
    done = 0
    while done < 100:
        while turns and random.random() < 0.6:
            turn = turns.pop()
            naive.waiting[turn] = request_of[turn]
            room.queue(room.kind(request_of[turn]), turn)
        while (first := room.first()) is not None:
            naive.take(first, there)
            room.take(room.kind(request_of[first]), first)
            running.append(first)
        assert all(amount >= 0 for amount in naive.free.values())
        assert max(naive.overtaken.values(), default=0) <= room.limit
        assert running or turns, "something waits for ever"
        for _ in range(min(len(running), random.randint(1, 2))):
            turn = running.pop(random.randrange(len(running)))
            room.give_back(room.kind(request_of[turn]))
            for pool, amount in clamped(request_of[turn], there):
                naive.free[pool] += amount
            done += 1
    assert room.is_idle
