"""Exact amounts, what fits, and how often a task may be overtaken."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskrun.model import NOTHING_SPECIAL, Grant
from taskrun.pools import PINNED, Request, clamped, shortage
from taskrun.room import Room


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


# units that are told apart

GPUS = {"gpus": ("0", "GPU-b")}


def with_gpus(*amounts: str) -> tuple[Room, list[int]]:
    """A room with two gpus, and the kinds of who asks for so much of them."""
    requests = [asks(cores=0, gpus=amount) for amount in amounts]
    room = Room(pools(cores=1, gpus=2), requests, GPUS)
    return room, [room.kind(request) for request in requests]


def test_shares_fill_one_gpu_before_they_touch_another() -> None:
    room, (half, third) = with_gpus("1/2", "1/3")
    for turn, kind in enumerate((half, third, half, third, third)):
        room.queue(kind, turn)
    taken = [room.take(kind, turn) for turn, kind in enumerate((half, third))]
    assert taken == [Grant(gpus=("0",)), Grant(gpus=("0",))]
    assert room.take(half, 2) == Grant(gpus=("GPU-b",))  # a sixth is left of the other one
    assert room.take(third, 3) == Grant(gpus=("GPU-b",))
    assert room.free("gpus") == Fraction(1, 3)
    assert room.first() is None  # a third is left in all, and of none of the two


def test_a_whole_gpu_is_one_that_nobody_has_a_share_of() -> None:
    room, (half, whole, both) = with_gpus("1/2", "1", "2")
    room.queue(half, 0)
    grant = room.take(half, 0)
    room.queue(both, 1)
    room.queue(whole, 2)
    assert room.first() == 2
    assert room.take(whole, 2) == Grant(gpus=("GPU-b",))
    room.give_back(half, grant)
    room.queue(whole, 3)
    assert room.first() == 3
    room.give_back(whole, Grant(gpus=("GPU-b",)))
    assert room.first() == 1
    assert room.take(both, 1) == Grant(gpus=("0", "GPU-b"))


def test_who_asks_for_no_gpu_is_granted_nothing_special() -> None:
    room = Room(pools(cores=1, gpus=2), [asks(cores=1)], GPUS)
    room.queue(0, 0)
    assert room.take(0, 0) is NOTHING_SPECIAL


def test_pinned_tasks_have_cores_of_their_own() -> None:
    one, two = (("cores", Fraction(1)), (PINNED, Fraction(1))), (("cores", Fraction(9)), (PINNED, Fraction(9)))
    room = Room({**pools(cores=8), PINNED: Fraction(3)}, [one, two], {PINNED: ("2", "3", "7")})
    for turn in range(3):
        room.queue(room.kind(one), turn)
    assert [room.take(room.kind(one), turn).pinned for turn in range(3)] == [(2,), (3,), (7,)]
    room.queue(room.kind(two), 3)
    assert room.first() is None
    for core in (2, 3, 7):
        room.give_back(room.kind(one), Grant(pinned=(core,)))
    assert room.take(room.kind(two), 3).pinned == (2, 3, 7)  # more than there are: all of them


def test_where_nobody_can_be_bound_pinned_tasks_ask_for_cores_only() -> None:
    one = (("cores", Fraction(1)), (PINNED, Fraction(1)))
    room = Room(pools(cores=2), [one])
    room.queue(room.kind(one), 0)
    assert room.take(room.kind(one), 0) is NOTHING_SPECIAL


def test_what_an_attempt_of_an_earlier_run_has_is_given_to_nobody_else() -> None:
    room, (whole, half) = with_gpus("1", "1/2")
    room.hold(whole, Grant(gpus=("0",)))
    room.hold(half, Grant(gpus=("gone",)))  # known by another name then
    room.queue(whole, 0)
    assert room.take(whole, 0).gpus == ("GPU-b",)
    room.give_back(whole, Grant(gpus=("0",)))
    room.give_back(half, Grant(gpus=("gone",)))
    room.give_back(whole, Grant(gpus=("GPU-b",)))
    assert room.is_idle


def test_shares_of_gpus_do_not_keep_a_whole_one_waiting_for_ever() -> None:
    room, (half, whole) = with_gpus("1/2", "1")
    held = []
    for turn in range(1, 4):
        room.queue(half, turn)
        held.append(room.take(half, turn))
    room.queue(whole, 0)
    for turn in range(4, 200):
        room.queue(half, turn)
    overtaken = 0
    while (first := room.first()) != 0 and first is not None:
        held.append(room.take(half, first))
        room.give_back(half, held.pop(0))
        overtaken += 1
    assert overtaken <= room.limit
    while held:
        room.give_back(half, held.pop())
    assert room.first() == 0


SHARES = ["0", "1/3", "1/2", "2/3", "1", "2", "3"]
UNIT_REQUESTS = [
    (("cores", Fraction(cores)), ("gpus", Fraction(gpus)), (PINNED, Fraction(pinned)))
    for cores in (0, 1)
    for gpus in SHARES
    for pinned in (0, 1, 2)
]


@settings(max_examples=150, deadline=None)
@given(draws=st.data())
def test_no_unit_is_shared_beyond_itself_and_nobody_waits_for_ever(draws: st.DataObject) -> None:
    units = {"gpus": ("0", "1", "2"), PINNED: ("4", "5")}
    room = Room({**pools(cores=2, gpus=3), PINNED: Fraction(2)}, UNIT_REQUESTS, units)
    random = draws.draw(st.randoms(use_true_random=False))
    kinds = random.sample(UNIT_REQUESTS, random.randint(1, 4))
    turns = list(range(120))
    request_of = {turn: random.choice(kinds) for turn in turns}
    random.shuffle(turns)
    running: dict[int, Grant] = {}
    waiting: set[int] = set()
    overtaken = dict.fromkeys(turns, 0)
    while turns or running or waiting:
        while turns and random.random() < 0.6:
            turn = turns.pop()
            waiting.add(turn)
            room.queue(room.kind(request_of[turn]), turn)
        while (first := room.first()) is not None:
            waiting.remove(first)
            running[first] = room.take(room.kind(request_of[first]), first)
            takes = {pool for pool, amount in request_of[first] if amount}
            held = shares_of(running, request_of)
            short = {
                kind: {pool for pool, amount in kind if amount and lacks(pool, amount, room, units, held)}
                for kind in kinds
            }
            for other in waiting:
                overtaken[other] += other < first and not takes.isdisjoint(short[request_of[other]])
        check_shares(running, request_of, units)
        assert running or turns, "something waits for ever"
        assert max(overtaken.values()) <= room.limit
        if running:
            turn = random.choice(list(running))
            room.give_back(room.kind(request_of[turn]), running.pop(turn))
    assert room.is_idle


def lacks(
    pool: str, amount: Fraction, room: Room, units: dict[str, tuple[str, ...]], held: dict[tuple[str, str], Fraction]
) -> bool:
    """Whether there is too little of a pool now: no unit with so much left, or too few that nobody has."""
    if pool not in units:
        return room.free(pool) < amount
    left = [1 - held.get((pool, each), Fraction(0)) for each in units[pool]]
    return max(left) < amount if amount < 1 else left.count(Fraction(1)) < amount


def shares_of(running: dict[int, Grant], request_of: dict[int, Request]) -> dict[tuple[str, str], Fraction]:
    """What is taken of each unit."""
    shares: dict[tuple[str, str], Fraction] = {}
    for turn, grant in running.items():
        asked = dict(request_of[turn])
        for pool, ids in (("gpus", grant.gpus), (PINNED, tuple(map(str, grant.pinned)))):
            for each in ids:
                shares[pool, each] = shares.get((pool, each), Fraction(0)) + min(asked[pool], Fraction(1))
    return shares


def check_shares(running: dict[int, Grant], request_of: dict[int, Request], units: dict[str, tuple[str, ...]]) -> None:
    for turn, grant in running.items():
        asked = dict(request_of[turn])
        for pool, ids in (("gpus", grant.gpus), (PINNED, tuple(map(str, grant.pinned)))):
            assert len(ids) == (max(1, asked[pool]) if asked[pool] else 0)
            assert set(ids) <= set(units[pool])
    assert max(shares_of(running, request_of).values(), default=0) <= 1
