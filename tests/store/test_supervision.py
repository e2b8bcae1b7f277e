"""Owners and stores that are killed: what lives on, who takes over, who turns off the light."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from tests.store.conftest import Owner
from tests.support.processes import runs
from tests.support.waiting import eventually

MakeOwner = Callable[..., Owner]


def test_a_killed_store_is_started_again_with_its_data(make_owner: MakeOwner) -> None:
    owner = make_owner().ready()
    owner.call("SET", "kept", "yes")
    first = owner.store_pid()
    os.kill(first, signal.SIGKILL)
    eventually(owner.answers, 5.0, "the store is back within 5 s (G25)")
    assert owner.store_pid() != first
    assert owner.call("GET", "kept") == b"yes"


def test_a_store_that_dies_again_and_again_is_started_each_time(make_owner: MakeOwner) -> None:
    owner = make_owner().ready()
    for _ in range(4):
        os.kill(owner.store_pid(), signal.SIGKILL)
        eventually(lambda: not owner.answers(), 5.0)
        eventually(owner.answers, 5.0, "the store is back")


def test_the_store_of_a_killed_owner_is_adopted(make_owner: MakeOwner) -> None:
    first = make_owner().ready()
    first.call("SET", "kept", "yes")
    pid = first.store_pid()
    first.child.kill9()
    second = make_owner().ready()
    assert second.store_pid() == pid
    assert second.said("adopted the store")
    assert second.call("GET", "kept") == b"yes"


def test_an_adopted_store_is_supervised_and_stopped(make_owner: MakeOwner) -> None:
    first = make_owner().ready()
    first.child.kill9()
    second = make_owner().ready()
    adopted = second.store_pid()
    os.kill(adopted, signal.SIGKILL)
    eventually(second.answers, 5.0, "the adopted store is started again")
    third = second.store_pid()
    assert second.child.terminate() == 0
    assert not runs(third)


def test_two_owners_share_one_store_and_the_second_takes_over(make_owner: MakeOwner) -> None:
    first = make_owner().ready()
    second = make_owner().ready()
    assert second.said("joined the store")
    assert second.store_pid() == first.store_pid()
    first.child.kill9()
    eventually(lambda: second.said("this one does it now"), 5.0, "the second takes over")
    os.kill(second.store_pid(), signal.SIGKILL)
    eventually(second.answers, 5.0, "the second starts it again")


def test_two_owners_that_start_together_share_one_store(make_owner: MakeOwner) -> None:
    owners = [make_owner() for _ in range(3)]
    pids = {owner.ready().store_pid() for owner in owners}
    assert len(pids) == 1
    assert sum(owner.said("joined the store") for owner in owners) == 2


def test_the_last_owner_to_leave_stops_the_store(make_owner: MakeOwner) -> None:
    first = make_owner().ready()
    second = make_owner().ready()
    pid = first.store_pid()
    assert first.child.terminate() == 0
    assert second.answers(), "the first one left, the second one still needs it"
    assert second.child.terminate() == 0
    assert not runs(pid)


def test_owners_that_leave_together_leave_no_store(make_owner: MakeOwner) -> None:
    owners = [make_owner() for _ in range(3)]
    pid = {owner.ready().store_pid() for owner in owners}.pop()
    for owner in owners:
        owner.child.signal(signal.SIGTERM)
    assert [owner.child.wait() for owner in owners] == [0, 0, 0]
    assert not runs(pid)


def test_sigterm_leaves_no_process_no_socket_no_record(make_owner: MakeOwner) -> None:
    owner = make_owner().ready()
    pid, socket = owner.store_pid(), owner.socket()
    assert owner.child.terminate() == 0
    assert not runs(pid)
    assert not socket.exists()
    assert not (owner.data_dir / "store.json").exists()


def test_ctrl_c_in_the_terminal_does_not_hit_the_store(make_owner: MakeOwner) -> None:
    owner = make_owner().ready()
    assert os.getpgid(owner.store_pid()) != os.getpgid(owner.child.pid)
    assert os.getsid(owner.store_pid()) != os.getsid(owner.child.pid)


def test_a_stopped_store_is_ended_by_signal(make_owner: MakeOwner) -> None:
    owner = make_owner().ready()
    pid = owner.store_pid()
    os.kill(pid, signal.SIGSTOP)
    assert owner.child.terminate(timeout_s=20.0) == 0
    assert not runs(pid)


def test_a_foreign_process_with_the_recorded_id_is_left_alone(make_owner: MakeOwner, data_dir: Path) -> None:
    first = make_owner().ready()
    record = (data_dir / "store.json").read_text()
    pid = first.store_pid()
    assert first.child.terminate() == 0
    (data_dir / "store.json").write_text(record.replace(str(pid), str(os.getpid())))
    second = make_owner().ready()  # an old record with our own id in it: a new store is started beside us
    assert second.store_pid() not in (pid, os.getpid())
    assert second.child.terminate() == 0
