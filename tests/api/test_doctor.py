"""`headrace doctor`: what would run, and what is wrong."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headrace_server.store import find_binary

from tests.support.servers import HEADRACE, ServerProcess, clean_env, store_pid
from tests.support.stores import StoreProcess


def _doctor(*flags: str, **env: str) -> tuple[int, dict[str, Any]]:
    argv = [str(HEADRACE), "doctor", "-o", "json", *flags]
    done = subprocess.run(argv, capture_output=True, text=True, env=clean_env(env), timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_all_is_well_before_the_first_start(tmp_path: Path) -> None:
    code, report = _doctor("--data-dir", str(tmp_path / "new"))
    assert (code, report["problems"]) == (0, [])
    assert (report["store"]["kind"], report["store"]["server"]) == ("embedded", "valkey")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_no_server_could_use_is_a_refusal_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300), Path("/proc/1/nothing")):
        code, report = _doctor("--data-dir", str(folder))
        assert code == 78, folder
        assert str(folder) in report["problems"][0]["problem"]
        assert "--data-dir" in report["problems"][0]["remedy"]


def test_a_used_data_directory_is_opened_and_left_as_it_was(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server()
    flags = ("--data-dir", str(server.data_dir))
    code, report = _doctor(*flags)
    assert (code, report["store"]["in_use"]) == (0, True)
    assert server.terminate() == 0
    code, report = _doctor(*flags)
    assert (code, report["store"]["in_use"]) == (0, False)
    assert "fsync" in report["durability"]["why"]
    assert store_pid(server.data_dir or Path()) is None


def test_settings_show_their_source_and_never_a_secret(tmp_path: Path) -> None:
    env = {"HEADRACE_TOKENS": "s3cret", "HEADRACE_LEASE_MS": "5000", "HEADRACE_TOKNES": "typo"}
    _, report = _doctor("--data-dir", str(tmp_path / "d"), "--port", "9", **env)
    settings = {each["name"]: (each["value"], each["source"]) for each in report["settings"]}
    assert settings["HEADRACE_TOKENS"] == ("set", "environment")
    assert settings["HEADRACE_LEASE_MS"] == ("5000", "environment")
    assert settings["HEADRACE_PORT"] == ("9", "flag")
    assert settings["HEADRACE_PROCESSES"] == ("1", "default")
    assert "s3cret" not in json.dumps(report)
    assert any("HEADRACE_TOKNES" in note for note in report["notes"])


def test_an_external_store_is_looked_at(valkey: StoreProcess) -> None:
    code, report = _doctor(HEADRACE_REDIS_URL=valkey.url)
    assert (code, report["store"]["kind"], report["store"]["role"]) == (0, "external", "master")
    assert report["durability"]["mode"] == "fsync"


def test_a_store_that_throws_jobs_away_is_a_refusal_with_a_remedy(make_store: Callable[..., StoreProcess]) -> None:
    store = make_store(maxmemory_policy="allkeys-lru")
    code, report = _doctor("--redis", store.url)
    assert code == 78
    [trouble] = report["problems"]
    assert "allkeys-lru" in trouble["problem"]
    assert "noeviction" in trouble["remedy"]


def test_a_store_that_is_away_is_a_problem() -> None:
    code, report = _doctor("--redis", "redis://user:geheim@127.0.0.1:1/0")
    assert code == 1
    assert report["problems"]
    assert "geheim" not in json.dumps(report)


def test_settings_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    code, report = _doctor(HEADRACE_PORT="eighty")
    assert code == 78
    assert "HEADRACE_PORT" in report["problems"][0]["problem"]


def test_the_text_for_people_names_problem_and_remedy(tmp_path: Path) -> None:
    argv = [str(HEADRACE), "doctor", "--host", "0.0.0.0", "--data-dir", str(tmp_path / "d")]
    done = subprocess.run(argv, capture_output=True, text=True, env=clean_env(), timeout=60, check=False)
    assert done.returncode == 78
    assert "* HEADRACE_HOST" in done.stdout
    assert "HEADRACE_TOKENS=" in done.stdout


def test_a_library_that_the_store_cannot_take_is_told_and_harms_nothing(tmp_path: Path) -> None:
    code, report = _doctor("--data-dir", str(tmp_path / "d"), HEADRACE_STORE_MALLOC="libno-such-thing.so.9")
    assert (code, report["problems"], report["store"]["malloc"]) == (0, [], find_binary().malloc)
    assert any("libno-such-thing.so.9 is not preloaded" in note for note in report["notes"])
