#!/usr/bin/env python3
"""Start Headrace, or test it, from a fresh clone with nothing but Python.

    python3 run.py                the server on its own durable store, with a demo worker (`headrace up`)
    python3 run.py test           every check and every test
    python3 run.py test ARGS      pytest alone, with these arguments
    python3 run.py ANYTHING       headrace ANYTHING

It makes .venv beside itself, installs the project there in the versions of constraints.txt, and hands over. When
nothing changed since the last time, that costs the reading of three small files.

Standard library only, in the syntax of every Python since 2.7: one that is too old must get far enough to say so. Hence
no annotations and no f-strings.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "Headrace needs Python 3.11 or newer; this is Python %s (%s).\n" % (sys.version.split()[0], sys.executable)
        + "Start it with a newer one, as in `python3.11 run.py`; on Debian and Ubuntu: apt-get install python3.11"
    )

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.realpath(__file__))
VENV = os.path.join(ROOT, ".venv")
DISCARDED = VENV + ".discarded"
STAMP = os.path.join(VENV, "headrace-installed.json")
PYTHON = os.path.join(VENV, "bin", "python")
BASE = getattr(sys, "_base_executable", sys.executable)  # run.py may itself be run by the .venv it is about to replace

SERVER = ["server"]
TESTS = ["dev", "fuzz"]
INCLUDES = {"dev": ["server"]}  # what pyproject.toml says of the extras: dev needs headrace[server]

CHECKS = [
    ["ruff", "format", "--check", "--quiet", "."],
    ["ruff", "check", "--quiet", "."],
    ["mypy", "--no-error-summary"],
    ["lint-imports", "--no-logo"],
]
NEEDED = [  # a program, the package of Debian that brings it (none: its owner's affair), and the tests that run it
    ("redis-server", "redis-server", "tests of an external store"),
    ("promtool", "prometheus", "tests of the rules and of a live Prometheus"),
    ("amtool", "prometheus-alertmanager", "tests of the Alertmanager"),
    ("node", None, "the Node examples"),
    ("gcc", None, "tests with power cuts and wrong clocks"),
]
FAILURES = os.path.join(".pytest_cache", "v", "cache", "lastfailed")
MOST_UNSTEADY = 5  # tests: where more fail, it is not the machine
NO_PIP = """\
This Python has no pip, so nothing can be installed: %s
Give it one and start again. On Debian and Ubuntu: apt-get install python3-venv"""


def main(args):
    """Bring .venv up to date and become the command that `args` name."""
    if args[:1] == ["test"]:
        return test(args[1:])
    ensure_installed(SERVER)
    headrace = os.path.join(VENV, "bin", "headrace")
    sys.stdout.flush()
    os.execv(headrace, [headrace] + (args or ["up"]))


# --- installing ---


def ensure_installed(extras):
    """Make .venv hold the project and `extras`; almost nothing to do when it does already."""
    if is_installed(extras):
        return
    with only_one() as lock:
        if is_installed(extras):  # by the run.py we waited for
            return
        install(extras, lock)


def is_installed(extras):
    """Tell whether the last install ended well, and was one of this project, here, with this Python and `extras`."""
    stamp = read_json(STAMP, {})
    return stamp.get("venv") == venv_facts() and stamp.get("project") == project_digest() and covers(stamp, extras)


def covers(stamp, extras):
    """Tell whether the stamp's extras bring all of `extras` along."""
    present = set(stamp["extras"])
    for extra in stamp["extras"]:
        present.update(INCLUDES.get(extra, []))
    return present.issuperset(extras)


def read_json(path, absent):
    """Return what a file holds in JSON; `absent` where there is none that can be read."""
    try:
        with open(path) as file:
            return json.load(file)
    except (OSError, ValueError):
        return absent


def write_stamp(stamp):
    """Replace the stamp in one step: a reader sees the old one or the new one."""
    with open(STAMP + ".new", "w") as file:
        json.dump(stamp, file)
    os.rename(STAMP + ".new", STAMP)


def venv_facts():
    """Return what a .venv cannot survive a change of: its paths are absolute, its packages are built for one Python."""
    return [ROOT, sys.base_prefix, sys.implementation.cache_tag]


def project_digest():
    """Return the digest of the files that say what is installed."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read() + b"\0")
    return digest.hexdigest()


@contextlib.contextmanager
def only_one():
    """Hold the lock on this checkout: the folder itself is locked, so nothing is left behind. Yields its descriptor."""
    lock = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Another run.py is installing here; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def install(extras, lock):
    """Install the project into .venv, from scratch where what is there cannot be trusted."""
    before = read_json(STAMP, {})  # what the last install wrote, when it was run.py that did it
    if before and before["venv"] != venv_facts():  # interrupted (None), moved, or made by another Python
        shutil.rmtree(DISCARDED, ignore_errors=True)
        os.rename(VENV, DISCARDED)  # in one step: half a .venv must not be taken for one that somebody made by hand
        before = {}
    shutil.rmtree(DISCARDED, ignore_errors=True)
    extras = sorted(set(extras) | set(before.get("extras", [])))
    say("Installing Headrace [%s] into .venv; this takes a moment the first time ..." % ",".join(extras))
    if not os.path.isdir(VENV):
        os.mkdir(VENV)
    write_stamp({"venv": None, "project": None, "extras": []})  # what an interrupted install leaves behind
    if not works([PYTHON, "-c", ""]):
        make_venv(lock)
    options = ["--quiet", "--editable", ".[%s]" % ",".join(extras), "--constraint", "constraints.txt"]
    if run(pip() + ["install"] + options, lock) != 0:
        if before:
            write_stamp(before)  # pip undid what it began: the next start tries again, without starting over
        sys.exit("Installing failed; pip says why above. Nothing outside .venv was touched.")
    write_stamp({"venv": venv_facts(), "project": project_digest(), "extras": extras})


def make_venv(lock):
    """Make .venv; where Debian left out ensurepip, one without a pip of its own."""
    if run([BASE, "-m", "venv", VENV], lock, quiet=True) != 0:
        shutil.rmtree(os.path.join(VENV, "bin"), ignore_errors=True)
        if run([BASE, "-m", "venv", "--without-pip", VENV], lock, quiet=True) != 0:
            sys.exit(NO_PIP % BASE)


def pip():
    """Return the command that installs into .venv: its own pip, else this Python's, working from outside."""
    for command in ([PYTHON, "-m", "pip"], [BASE, "-m", "pip", "--python", PYTHON]):
        if works(command + ["--version"]):
            return command
    sys.exit(NO_PIP % BASE)


def works(command):
    """Tell whether a command can be run and ends well."""
    try:
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def run(command, lock, quiet=False):
    """Run one step of an install in the checkout and return its exit code.

    It inherits the lock: should we be killed, nobody else touches .venv before the step has ended too. Variables by
    which a user sends packages elsewhere are overruled; those that name an index, a proxy or a certificate stay.
    """
    environ = dict(
        os.environ, PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1"
    )
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONHOME", "PYTHONPATH"):
        environ.pop(name, None)
    output = subprocess.DEVNULL if quiet else None
    return subprocess.call(command, cwd=ROOT, env=environ, pass_fds=[lock], stdout=output, stderr=output)


# --- testing ---


def test(args):
    """Run every check and every test, or pytest alone with `args`; return the exit code. pytest has the last word."""
    ensure_installed(TESTS)
    install_debian_packages()
    os.chdir(ROOT)
    os.environ["PATH"] = os.path.join(VENV, "bin") + os.pathsep + os.environ.get("PATH", os.defpath)
    if args:
        return subprocess.call([PYTHON, "-m", "pytest"] + args)
    failed = [" ".join(command) for command in CHECKS if not passes(command)]
    if failed:
        say("failed: %s; the tests run all the same" % ", ".join(failed))
    workers = ["-n", str(max(2, os.cpu_count() or 2)), "--dist", "worksteal"]  # few tests take long: share what is left
    return run_tests(workers) or int(bool(failed))


def run_tests(options):
    """Run pytest, and the few tests that failed once more by themselves; return the exit code.

    Thousands of tests that kill, freeze and time real processes find the machine asleep now and then. What fails twice
    has failed; what passes by itself is named, to be mended.
    """
    if os.path.exists(FAILURES):
        os.remove(FAILURES)
    code = subprocess.call([PYTHON, "-m", "pytest"] + options)
    failed = sorted(read_json(FAILURES, [])) if code == 1 else []
    if not 0 < len(failed) <= MOST_UNSTEADY:
        return code
    say("Once more, by themselves: the tests that failed.")
    code = subprocess.call([PYTHON, "-m", "pytest", "--last-failed", "--last-failed-no-failures", "none"])
    if code == 0:
        for name in failed:
            say("unsteady: %s failed among all tests and passed by itself" % name)
    return code


def passes(command):
    """Run one check and tell whether it is content."""
    say("$ " + " ".join(command))
    return subprocess.call([os.path.join(VENV, "bin", command[0])] + command[1:]) == 0


def install_debian_packages():
    """Install what tests run beside the project, where we may; say what is missing and which tests that skips."""
    absent = [package for program, package, _ in NEEDED if package and not shutil.which(program)]
    if absent and shutil.which("apt-get") and os.geteuid() == 0:
        with no_services():
            if not apt_get(["install"] + absent, complain=False):  # a new machine has no lists of packages yet
                apt_get(["update"])
                for package in absent:  # one that a mirror lacks must not cost the others
                    apt_get(["install", package])
    for program, _, purpose in NEEDED:
        if not shutil.which(program):
            say("note: %s is not on PATH; %s are skipped" % (program, purpose))


def apt_get(words, complain=True):
    """Run apt-get quietly and tell whether it did it."""
    command = ["apt-get", "-qq", "--yes", "--no-install-recommends"] + words
    environ = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    errors = None if complain else subprocess.DEVNULL
    return subprocess.call(command, env=environ, stdout=subprocess.DEVNULL, stderr=errors) == 0


@contextlib.contextmanager
def no_services():
    """Keep Debian's packages from starting what they install, by the file that their scripts ask (invoke-rc.d(8))."""
    policy = "/usr/sbin/policy-rc.d"
    if os.path.exists(policy):  # the machine's owner has decided already
        yield
        return
    with open(policy, "w") as file:
        file.write("#!/bin/sh\nexit 101\n")
    os.chmod(policy, 0o755)
    try:
        yield
    finally:
        os.remove(policy)


def say(text):
    """Tell the user, on standard error: standard output belongs to the command that follows."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
