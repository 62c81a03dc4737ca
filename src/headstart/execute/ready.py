"""Which steps are next, and which of them go into one job."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil, inf

from headstart.execute.pace import Pace, modelled
from headstart.plan.steps import Plan, StepKind

# Steps of one group that are done together: more would save little, and lose more to a crash.
WIDEST = 16
# Handing over a job may take this share of its time; small steps are packed until it takes less.
HANDOVER_SHARE = 0.02
# Seconds of a pack at most, however costly it is to hand over: it is committed when all is done.
LONGEST_PACK = 5.0
SEARCHES = "overlap"  # the queue of searches for shared images

_Place = tuple[float, int, str]
"""Where a step stands in the order: minus the critical path from it on, its number, its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """Who is free to do a job: so many workers of all, and what handing one over costs.

    While one search for shared images is under way (`searching`), no other is begun if there is
    anything else to do: it takes seconds and trains nothing.
    """

    workers: int
    all_workers: int
    handover: float
    searching: bool = False


@dataclass(slots=True)
class ReadySteps:
    """Steps that are not done: those that wait for others, and those that can be done, in order.

    The order is that of critical paths. Steps after which nothing is trained go before all others:
    they are short, and what a user waits to see done.
    """

    plan: Plan
    done: set[str]
    device: str
    pace: Pace = field(default_factory=Pace)
    _queues: dict[str, list[_Place]] = field(default_factory=dict)  # priority queues
    _modelled: dict[StepKind, float] = field(default_factory=dict)  # seconds of what is ready
    _waiting: dict[str, set[str]] = field(default_factory=dict)
    _users: dict[str, list[str]] = field(default_factory=dict)
    _order: dict[str, tuple[float, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key, step in self.plan.steps.items():
            for needed in step.inputs:
                self._users.setdefault(needed, []).append(key)
        self._rank()
        for key in self.plan.steps:
            if key not in self.done:
                self.add(key)

    def __bool__(self) -> bool:
        return bool(self._queues)

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def _rank(self) -> None:
        """Length of the critical path from each step to the end; steps come after their inputs."""
        ahead: dict[str, float] = {}
        numbered = list(enumerate(self.plan.steps.items()))
        for number, (key, step) in reversed(numbered):
            after = max((ahead[user] for user in self._users.get(key, ())), default=0.0)
            ahead[key] = step.flops + after  # of training alone: what only measures goes first
            self._order[key] = (-ahead[key] if ahead[key] else -inf, number)

    def add(self, key: str) -> None:
        """A step that is to be done, at once or as soon as its inputs are."""
        missing = set(self.plan.steps[key].inputs) - self.done
        if missing:
            self._waiting[key] = missing
            return
        heapq.heappush(self._queues.setdefault(self._queue_of(key), []), (*self._order[key], key))
        self._count(key, 1)

    def finished(self, key: str) -> None:
        """A step is done: what waited for nothing else is ready."""
        self.done.add(key)
        for user in self._users.get(key, ()):
            missing = self._waiting.get(user)
            if missing is not None:
                missing.discard(key)
                if not missing:
                    del self._waiting[user]
                    self.add(user)

    def take(self, free: Free) -> list[str]:
        """The steps of the next job: the first that is ready, with others of its batch group.

        Short ones are packed: with those next in the order, as long as the work that is ready
        suffices for all workers, and with what can be done once they are (`_followers`). So a job
        takes long enough for handing it over not to matter.
        """
        share = sum(self.pace.of(*ready) for ready in self._modelled.items()) / free.all_workers
        enough = min(free.handover / HANDOVER_SHARE, LONGEST_PACK)
        taken = self._group(free, max(share, LONGEST_PACK))
        seconds = sum(map(self._seconds, taken))
        searching = self._searches(taken[0])
        while self._queues and not searching:
            name = self._first(searching=True)
            key = self._queues[name][0][-1]
            seconds += self._seconds(key)
            if self._searches(key) or seconds > min(share, enough) * (1 + 1e-9):
                seconds -= self._seconds(key)
                break
            taken.append(self._pop(name))
        return taken + self._followers(taken, enough - seconds)

    def _group(self, free: Free, most: float) -> list[str]:
        """The first step, with others of its batch group; no worker is left without work.

        Where there is nothing else to do for the other free workers, the group is split evenly; it
        takes `most` seconds, or is one step.
        """
        name = self._first(searching=free.searching)
        number = 1
        if name and name != SEARCHES:
            alike = len(self._queues[name])
            idle = max(free.workers - (len(self) - alike), 1)
            number = min(WIDEST, ceil(alike / idle))
        taken = [self._pop(name)]
        seconds = self._seconds(taken[0])
        while len(taken) < number:
            seconds += self._seconds(self._queues[name][0][-1])
            if seconds > most:
                break
            taken.append(self._pop(name))
        return taken

    def _followers(self, taken: Iterable[str], seconds: float) -> list[str]:
        """Steps that need nothing but those taken and what is done, of so many seconds at most.

        They are what is read off a training, and the next training where there is only one: what
        several workers could begin with at the same time is left to them.
        """
        packed, found = set(taken), list[str]()
        queue = list(taken)
        for key in queue:
            trained = [user for user in self._users.get(key, ()) if self._order[user][0] != -inf]
            for user in self._users.get(key, ()):
                needed = self._seconds(user)
                ready = user in self._waiting and self._waiting[user] <= packed
                if ready and needed <= seconds and (user not in trained or len(trained) == 1):
                    seconds -= needed
                    del self._waiting[user]
                    packed.add(user)
                    found.append(user)
                    queue.append(user)
        return found

    def _first(self, *, searching: bool) -> str:
        """Name of the queue with the first step; not that of searches, if another is there."""
        names = set(self._queues)
        if searching and len(names) > 1:
            names.discard(SEARCHES)
        return min(names, key=lambda name: self._queues[name][0])

    def _queue_of(self, key: str) -> str:
        """Name of a step's queue: its batch group has one, all searches, and all other steps."""
        if self._searches(key):
            return SEARCHES
        return self.plan.steps[key].batch_groups.get(self.device, "")

    def _searches(self, key: str) -> bool:
        """Whether a step is a search for shared images."""
        return self.plan.steps[key].kind == "overlap"

    def _seconds(self, key: str) -> float:
        """About how long a step takes."""
        step = self.plan.steps[key]
        return self.pace.of(step.kind, modelled(step))

    def _pop(self, name: str) -> str:
        *_, key = heapq.heappop(self._queues[name])
        if not self._queues[name]:
            del self._queues[name]
        self._count(key, -1)
        return key

    def _count(self, key: str, by: int) -> None:
        """A step is ready, or is no longer."""
        step = self.plan.steps[key]
        before = self._modelled.get(step.kind, 0.0)
        self._modelled[step.kind] = before + by * modelled(step)
