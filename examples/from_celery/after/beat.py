"""What beat did: puts in what is due. Any number may run beside each other, because a slot's key makes one job of it.

    python beat.py          looks every ten seconds
    python beat.py once     looks now: for a line of cron

A slot that was missed while no beat ran is made up for once, as long as it is the newest.
"""

import sys
import time
from datetime import UTC, datetime, timedelta

import tasks

DAY, FIVE_MINUTES = timedelta(days=1), timedelta(minutes=5)

# name: (task, period, when in the period, options of the call)
SCHEDULE = {
    "check-all": (tasks.check_all, FIVE_MINUTES, timedelta(), {"expires": 300}),
    "digest": (tasks.send_digest, DAY, timedelta(hours=7), {}),
}


def slot(now, period, offset):
    """Return the newest moment of a schedule that is not later than now."""
    begin = datetime(1970, 1, 1, tzinfo=UTC) + offset
    return begin + (now - begin) // period * period


def tick(now):
    """Put in a job for the newest slot of each schedule, where nobody has done so."""
    for name, (task, period, offset, options) in SCHEDULE.items():
        key = f"{name}-{slot(now, period, offset):%Y-%m-%dT%H:%M}"
        task.apply_async(idempotency_key=key, **options)


if __name__ == "__main__":
    tick(datetime.now(UTC))
    while sys.argv[1:] != ["once"]:
        time.sleep(10)
        tick(datetime.now(UTC))
