"""Real PostgreSQL servers for the tests.

The first use in a process makes one cluster on disk; every server is a copy of it. One server serves all tests that
break nothing: each has a schema of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import getpass
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from .link import Link
from .servers import free_ports

QUICK = ("fsync=off", "full_page_writes=off", "autovacuum=off")
"""Where a test is not about the disk."""
SAFE = ("fsync=on", "autovacuum=off")
_SETTINGS = (
    "shared_buffers=16MB",
    "max_connections=60",
    "wal_level=replica",
    "max_wal_senders=5",
    "log_statement=none",
)
_NUMBERS = count(1)


def binaries() -> Path:
    """Return the folder of the newest server programs of this machine."""
    found = shutil.which("postgres")
    if found:
        return Path(found).resolve().parent
    folders = glob.glob("/usr/lib/postgresql/*/bin/postgres") + glob.glob("/usr/pgsql-*/bin/postgres")
    assert folders, "PostgreSQL is missing: python3 tests/run.py installs it"
    return Path(max(folders, key=lambda path: [int(part) for part in path.split("/") if part.isdecimal()])).parent


@cache
def user() -> str:
    """Return the user that servers run as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return getpass.getuser()
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _as_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(user())
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs as the servers' user."""
    done = subprocess.run(
        [str(binaries() / program), *arguments], check=False, capture_output=True, text=True, cwd="/", **_as_user()
    )
    assert done.returncode == 0, done.stdout + done.stderr


@cache
def home() -> Path:
    """Make the folder of this process's servers, which goes when the process ends.

    It is in memory where that is possible: no test of these loses the machine's power.
    """
    in_memory = Path("/dev/shm")
    place = in_memory if os.access(in_memory, os.W_OK) and shutil.disk_usage(in_memory).free > 2**30 else None
    made = Path(tempfile.mkdtemp(prefix="mfa_gate-pg-", dir=place))
    own(made)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def own(path: Path) -> None:
    """Give a folder to the servers' user."""
    if os.geteuid() == 0:
        entry = pwd.getpwnam(user())
        os.chown(path, entry.pw_uid, entry.pw_gid)


@cache
def _cluster() -> Path:
    data = home() / "cluster"
    run("initdb", "-D", str(data), "-A", "trust", "-E", "UTF8", "--locale=C", "-N", "-U", "gate")
    with open(data / "pg_hba.conf", "a") as file:
        file.write("host replication all 127.0.0.1/32 trust\n")
    return data


@dataclass
class Postgres:
    """One server in a folder of its own. ``settings`` are those of its command line."""

    data: Path
    port: int
    settings: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the URL of the database that the tests use."""
        return f"postgresql://gate@127.0.0.1:{self.port}/postgres"

    def schema(self) -> str:
        """Return the URL of a schema that nothing uses yet."""
        return f"{self.url}?schema=t{next(_NUMBERS)}_{os.getpid()}"

    def start(self, *, wait: bool = True) -> Postgres:
        """Start, and wait until it answers."""
        with contextlib.suppress(FileNotFoundError):
            (self.data / "postmaster.pid").unlink()
        command = [str(binaries() / "postgres"), "-D", str(self.data), "-p", str(self.port), "-k", ""]
        options = [f"-c{setting}" for setting in (*_SETTINGS, "listen_addresses=127.0.0.1", *self.settings)]
        with open(self.data.with_name(f"{self.data.name}.log"), "ab") as out:
            self.process = subprocess.Popen([*command, *options], stdout=out, stderr=out, cwd="/", **_as_user())
        if wait:
            self.wait()
        return self

    def wait(self, seconds: float = 30) -> None:
        """Wait until it answers."""
        until = time.monotonic() + seconds
        while True:
            try:
                with self.connect():
                    return
            except psycopg.OperationalError:
                assert time.monotonic() < until, self.log()
                assert self.process is not None
                assert self.process.poll() is None, self.log()
                time.sleep(0.02)

    def log(self) -> str:
        """Return the last words of the server."""
        return self.data.with_name(f"{self.data.name}.log").read_text(errors="replace")[-3000:]

    def connect(self, **parameters: Any) -> psycopg.Connection[Any]:
        """Return a plain connection, by which a test acts on the server."""
        return psycopg.connect(self.url, autocommit=True, connect_timeout=5, **parameters)

    def reset(self) -> None:
        """Take back what a test has set, and start the server if a test has ended it."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        with self.connect(options="-c default_transaction_read_only=off") as connection:
            for statement in ("ALTER SYSTEM RESET ALL", "ALTER ROLE gate RESET ALL", "SELECT pg_reload_conf()"):
                connection.execute(statement)

    def say(self, statement: str, *values: object) -> list[Any]:
        """Run one statement, and return its rows."""
        with self.connect() as connection:
            found = connection.execute(statement, values or None)
            return found.fetchall() if found.description else []

    def processes(self) -> list[int]:
        """List the server's processes, the first one first."""
        assert self.process is not None
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [self.process.pid, *map(int, path.read_text().split())]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to every process of the server."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def limit_files(self, size: int | None) -> None:
        """Let no file of the server grow beyond so many bytes: a disk without room.

        None ends that.
        """
        limit = "unlimited" if size is None else size
        done: set[int] = set()
        while missed := {*self.processes()} - done:  # a session may begin before its parent has the limit
            for pid in missed:
                # A process that has ended meanwhile has no limit.
                subprocess.run(
                    ["prlimit", f"--fsize={limit}:", "--pid", str(pid)],
                    check=False,
                    cwd="/",
                    capture_output=True,
                    **_as_user(),
                )
            done |= missed

    def kill(self) -> None:
        """kill -9 of every process, the children first so that none outlives the others."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)
            for pid in reversed(self.processes()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def stop(self) -> None:
        """Shut down: sessions are ended, everything is written.

        A session that is just beginning may miss the order: after a while the server ends without asking, and its next start
        reads what was written.
        """
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait(60)
        self.process = None

    def copy(self, name: str) -> Path:
        """Return a copy of the data of a server that is stopped."""
        made = self.data.with_name(name)
        shutil.rmtree(made, ignore_errors=True)
        subprocess.run(["cp", "-a", str(self.data), str(made)], check=True)
        return made

    def put_back(self, copy: Path) -> None:
        """Put a copy in the place of the data of a server that is stopped."""
        shutil.rmtree(self.data)
        subprocess.run(["cp", "-a", str(copy), str(self.data)], check=True)

    def standby(self, *settings: str, link: Link | None = None) -> Postgres:
        """Start a standby that follows this server; ``link`` is the line between the two."""
        (port,) = free_ports(1)
        data = home() / f"standby{port}"
        run(
            "pg_basebackup",
            "-D",
            str(data),
            "-R",
            "-X",
            "stream",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            "gate",
        )
        if link is not None:
            with open(data / "postgresql.auto.conf", "a") as file:
                file.write(f"primary_conninfo = 'host=127.0.0.1 port={link.to(self.port)} user=gate'\n")
        return Postgres(data, port, [*(settings or QUICK)]).start()

    def promote(self) -> None:
        """Make a standby the primary."""
        self.say("SELECT pg_promote(true, 30)")


def make(*settings: str, place: Path | None = None) -> Postgres:
    """Return a new server, which is not started.

    ``place`` is a folder for its data, for tests that need a real disk.
    """
    (port,) = free_ports(1)
    data = (home() if place is None else _shared_folder(place)) / f"server{port}"
    subprocess.run(["cp", "-a", str(_cluster()), str(data)], check=True)
    return Postgres(data, port, [*(settings or QUICK)])


def _shared_folder(place: Path) -> Path:
    """Make a folder in ``place`` that the servers' user can reach, whoever owns ``place``."""
    for folder in (place, *place.parents):
        if folder.is_relative_to(tempfile.gettempdir()) and folder != Path(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o011)
    made = place / "postgres"
    made.mkdir(exist_ok=True)
    own(made)
    return made


@contextlib.contextmanager
def server(*settings: str, place: Path | None = None) -> Iterator[Postgres]:
    """Run a server of one's own, which a test may break."""
    made = make(*settings, place=place)
    try:
        yield made.start()
    finally:
        made.kill()
        shutil.rmtree(made.data, ignore_errors=True)


def schema_of(url: str) -> str:
    """Return the schema in a URL."""
    return url.rpartition("=")[2]


@cache
def shared() -> Postgres:
    """Return the server of all tests of this process that break nothing."""
    made = make(*QUICK, "max_connections=300").start()
    made.say("CREATE EXTENSION pg_trgm")
    atexit.register(made.kill)
    return made


@contextlib.contextmanager
def pooler(behind: Postgres, mode: str) -> Iterator[str]:
    """Run PgBouncer before a server, in a mode of pooling; yields the URL without a schema."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    assert Path(program).exists(), "pgbouncer is missing: python3 tests/run.py installs it"
    (port,) = free_ports(1)
    place = home() / f"pooler{port}"
    place.mkdir()
    own(place)
    (place / "users.txt").write_text('"gate" ""\n"app" ""\n')
    (place / "pgbouncer.ini").write_text(
        f"[databases]\npostgres = host=127.0.0.1 port={behind.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {place / 'users.txt'}\npool_mode = {mode}\n"
        "max_client_conn = 100\ndefault_pool_size = 20\n"
    )
    for path in place.iterdir():
        own(path)
    with open(place / "out", "wb") as out:
        process = subprocess.Popen(
            [program, str(place / "pgbouncer.ini")], stdout=out, stderr=out, cwd="/", **_as_user()
        )
    url = f"postgresql://gate@127.0.0.1:{port}/postgres"
    try:
        until = time.monotonic() + 10
        while True:
            try:
                psycopg.connect(url, connect_timeout=5).close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < until, (place / "out").read_text()
                time.sleep(0.02)
        yield url
    finally:
        process.kill()
        process.wait()
