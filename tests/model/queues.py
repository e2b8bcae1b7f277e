"""The oracle's queues and limits: what operators said, and what leases have used up; it must not know any job."""

from dataclasses import dataclass, field

from headrace_server.domain.queues import LimitSettings, QueueSettings, Rate

FOR_EVER = 1 << 62  # until somebody says otherwise


@dataclass
class Bucket:
    """Tokens that leases take: for each rate that held, the instant at which all of them would be there again."""

    full_at_us: dict[tuple[int, int], int] = field(default_factory=dict)  # by interval and burst

    def has(self, rate: Rate | None, now: int) -> bool:
        """Return whether a token is there."""
        return rate is None or self._full_at_us(rate) <= now * 1_000 + (rate.burst - 1) * _interval_us(rate)

    def take(self, rate: Rate | None, now: int) -> None:
        """Use up one token."""
        if rate is not None:
            full_at_us = max(self._full_at_us(rate), now * 1_000) + _interval_us(rate)
            self.full_at_us[_interval_us(rate), rate.burst] = full_at_us

    def _full_at_us(self, rate: Rate) -> int:
        return self.full_at_us.get((_interval_us(rate), rate.burst), 0)


def _interval_us(rate: Rate) -> int:
    return -(-rate.per_ms * 1_000 // rate.count)


@dataclass
class Queue:
    """One queue: its settings, and whose turn it is."""

    settings: QueueSettings = field(default_factory=QueueSettings)
    paused_until_ms: int = 0
    draining: bool = False
    bucket: Bucket = field(default_factory=Bucket)
    has_tenants: bool = False  # ever had a job with a fairness key
    time: int = 0  # virtual: the turn that was served last
    tenant_times: dict[str, int] = field(default_factory=dict)

    def is_paused(self, now: int) -> bool:
        return self.paused_until_ms > now

    def turn(self, tenant: str) -> int:
        """Return when a tenant's turn is, in virtual time."""
        return max(self.tenant_times.get(tenant, 0), self.time)

    def turns(self) -> dict[str, int]:
        """Return the virtual time of the queue (as ''), and of the tenants ahead of it (as `t` and their key)."""
        ahead = {f"t{tenant}": at for tenant, at in self.tenant_times.items() if at > self.time}
        return {"": self.time, **ahead}

    def serve(self, tenant: str, weight: int) -> None:
        """Note that a tenant had a turn."""
        self.time = self.turn(tenant)
        self.tenant_times[tenant] = self.time + 5_040 // weight


class Limits:
    """Settings of limits, buckets of their keys, and the names that are held back."""

    def __init__(self) -> None:
        self.settings: dict[str, LimitSettings] = {}
        self.held_until_ms: dict[str, int] = {}
        self.buckets: dict[tuple[int, str], Bucket] = {}  # (shard, key)

    def of(self, key: str) -> LimitSettings:
        """Return what holds for a key: its own settings, else those of its longest prefix."""
        name = key
        while name not in self.settings:
            name, colon, _ = name.rpartition(":")
            if not colon:
                return LimitSettings()
        return self.settings[name]

    def bucket(self, shard: int, key: str) -> Bucket:
        return self.buckets.setdefault((shard, key), Bucket())

    def is_held(self, key: str, now: int) -> bool:
        """Return whether a back-off on the key or on a prefix of it holds it."""
        names = [name for name, until in self.held_until_ms.items() if until > now]
        return any(key == name or key.startswith(name + ":") for name in names)
