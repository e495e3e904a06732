"""Real servers of the Java world for tests, without Docker: their jars come from Maven Central into a cache.

`python tests/java_servers.py [VERSION]` (`make neo4j`) starts a Neo4j to look at and stops it at Ctrl-C.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest
    from neo4j import Session

    from kg.stores.neo4j import Neo4jStore

CACHE = Path(os.environ.get("KG_TEST_CACHE", Path.home() / ".cache" / "kg-tests"))

#: What the tests and `compose.yaml` set alike (a test compares): the graph's own settings.
SETTINGS: Mapping[str, str] = {
    "dbms.usage_report.enabled": "false",
    "db.transaction.timeout": "10m",
    "server.memory.heap.max_size": "512m",
    "server.memory.pagecache.size": "256m",
}
#: What makes a server small and quick to stop.
_LOCAL_SETTINGS: Mapping[str, str] = {
    "server.default_listen_address": "127.0.0.1",
    "server.http.enabled": "false",
    "server.https.enabled": "false",
    "dbms.security.auth_enabled": "true",
    "db.tx_log.preallocate": "false",
    "internal.dbms.bolt.netty_server_shutdown_quiet_period": "0",
    "internal.dbms.bolt.netty_server_shutdown_timeout": "1s",
}
_OPENS = tuple(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in ("java.nio", "java.io", "sun.nio.ch"))
#: A server of a test lives for a minute: a compiler that thinks less and one thread for garbage start it sooner.
QUICK = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")


@dataclass(frozen=True)
class Neo4jRelease:
    """A release of Neo4j Community: the Java that it needs, and its main class."""

    version: str
    java: int
    main: str


NEO4J = {
    "5.26": Neo4jRelease("5.26.30", 17, "org.neo4j.server.CommunityEntryPoint"),
    "2026": Neo4jRelease("2026.08.1", 21, "org.neo4j.server.Neo4jCommunity"),
}
FUSEKI = ("org.apache.jena:jena-fuseki-server:5.6.0", 17)


class NotAvailable(Exception):
    """Java, Maven or the network is missing: the reason to skip a test."""


@dataclass(frozen=True)
class Neo4jServer:
    """A Neo4j that runs."""

    release: Neo4jRelease
    home: Path
    port: int
    password: str

    @property
    def address(self) -> str:
        return f"neo4j://neo4j@127.0.0.1:{self.port}"

    def emptied(self, monkeypatch: pytest.MonkeyPatch) -> Neo4jStore:
        """The store of this server, empty: no node, no constraint, no index of ours."""
        from kg.stores.neo4j import Neo4jStore

        monkeypatch.setenv("NEO4J_PASSWORD", self.password)
        with self.session() as session:
            session.run("MATCH (n) CALL (n) {DETACH DELETE n} IN TRANSACTIONS").consume()
            for kind in ("CONSTRAINT", "INDEX"):
                found = session.run(f"SHOW {kind} YIELD name, type WHERE type <> 'LOOKUP' RETURN name").value()
                for name in found:
                    session.run(f"DROP {kind} `{name}` IF EXISTS").consume()
        return Neo4jStore.at(self.address)

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A session of the driver, for what kg itself does not do."""
        from neo4j import GraphDatabase

        address, auth = f"bolt://127.0.0.1:{self.port}", ("neo4j", self.password)
        with GraphDatabase.driver(address, auth=auth) as driver, driver.session() as session:
            yield session

    def admin(self, *arguments: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run `neo4j-admin` on the server's home (which must not run for an import)."""
        return _admin(self.release, self.home, *arguments, timeout=timeout)


def java(needed: int) -> str:
    """The oldest Java that is new enough."""
    for version, path in _javas():
        if version >= needed:
            return path
    found = ", ".join(str(version) for version, _ in _javas()) or "none"
    raise NotAvailable(f"needs Java {needed} or later (JAVA_HOME, PATH, /usr/lib/jvm, /opt): found {found}")


@cache
def _javas() -> tuple[tuple[int, str], ...]:
    candidates = [Path(os.environ["JAVA_HOME"]) / "bin" / "java"] if os.environ.get("JAVA_HOME") else []
    candidates += [Path(found) for found in [shutil.which("java")] if found]
    for folder in ("/usr/lib/jvm", "/usr/java", "/opt", str(Path.home() / ".sdkman/candidates/java")):
        candidates += sorted(Path(folder).glob("*/bin/java"))
    candidates += sorted(Path("/Library/Java/JavaVirtualMachines").glob("*/Contents/Home/bin/java"))
    found = {}
    for candidate in candidates:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            said = subprocess.run([candidate, "-version"], capture_output=True, text=True, timeout=60, check=False)
            version = re.search(r'version "(?:1\.)?(\d+)', said.stderr)
            if version:
                found.setdefault(int(version[1]), str(candidate))
    return tuple(sorted(found.items()))


def jars(artifact: str, *, alone: bool = False) -> Path:
    """The folder with an artifact of Maven Central and what it needs (`alone`: without), fetched once."""
    folder = CACHE / artifact.replace(":", "-")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            _fetch(artifact, folder, alone=alone)
            (folder / "done").touch()
    return folder / "lib"


def _fetch(artifact: str, folder: Path, *, alone: bool) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NotAvailable(f"needs Maven (mvn) on the PATH to fetch {artifact}")
    group, name, version = artifact.split(":")
    shutil.rmtree(folder / "lib", ignore_errors=True)
    if alone:
        arguments = ["dependency:copy", f"-Dartifact={artifact}"]
    else:
        (folder / "pom.xml").write_text(
            '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
            "<groupId>kg</groupId><artifactId>tests</artifactId><version>1</version><packaging>pom</packaging>"
            f"<dependencies><dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
            f"<version>{version}</version></dependency></dependencies></project>",
            "utf-8",
        )
        arguments = ["dependency:copy-dependencies", "-DincludeScope=runtime"]
    ended = subprocess.run(
        [maven, "-B", "-q", *arguments, f"-DoutputDirectory={folder / 'lib'}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    if ended.returncode:
        raise NotAvailable(f"Maven cannot fetch {artifact}: {(ended.stdout + ended.stderr).strip()[:300]}")


@contextlib.contextmanager
def neo4j(
    name: str,
    folder: Path,
    *,
    port: int | None = None,
    password: str | None = None,
    java_options: Sequence[str] = QUICK,
) -> Iterator[Neo4jServer]:
    """A Neo4j of release 5.26 or 2026 with its data in `folder`, running; stopped by its process id at the end."""
    release = NEO4J[name]
    home = prepared_home(name, folder)
    server = Neo4jServer(release, home, port or free_port(), password or secrets.token_hex(8))
    settings = {
        **SETTINGS,
        **_LOCAL_SETTINGS,
        "server.bolt.listen_address": f"127.0.0.1:{server.port}",
        "server.bolt.advertised_address": f"127.0.0.1:{server.port}",
    }
    (home / "conf" / "neo4j.conf").write_text("".join(f"{key}={value}\n" for key, value in settings.items()), "utf-8")
    server.admin("dbms", "set-initial-password", server.password).check_returncode()
    with running(server, java_options):
        yield server


def prepared_home(name: str, folder: Path) -> Path:
    """An empty home of Neo4j: its folders and a configuration."""
    java(NEO4J[name].java)
    jars(f"org.neo4j:neo4j:{NEO4J[name].version}")
    for part in ("conf", "data", "logs", "import", "plugins", "run", "licenses"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "conf" / "neo4j.conf").write_text(
        "".join(f"{key}={value}\n" for key, value in {**SETTINGS, **_LOCAL_SETTINGS}.items()), "utf-8"
    )
    return folder


@contextlib.contextmanager
def running(server: Neo4jServer, java_options: Sequence[str] = QUICK) -> Iterator[None]:
    """Run the server until the end of the block."""
    from neo4j.exceptions import DriverError, Neo4jError

    release = server.release
    classes = f"{_lib(release)}/*{os.pathsep}{server.home}/plugins/*"  # as Neo4j's own script has it: APOC needs it
    command = [java(release.java), *java_options, *_OPENS, "-cp", classes, release.main]
    command += [f"--home-dir={server.home}", f"--config-dir={server.home / 'conf'}"]
    with (server.home / "logs" / "output.log").open("w") as log, started(command, log) as process:
        wait_for_port(server.port, process, server.home / "logs" / "neo4j.log")
        for attempt in range(600):
            try:
                with server.session() as session:
                    session.run("RETURN 1").consume()
                break
            except (DriverError, Neo4jError):
                if attempt == 599:
                    raise
                time.sleep(0.5)
        yield


@contextlib.contextmanager
def fuseki(folder: Path) -> Iterator[str]:
    """An empty, writable Fuseki; gives the address of its data set."""
    artifact, needed = FUSEKI
    program = java(needed)
    (jar,) = jars(artifact, alone=True).glob("*.jar")
    port = free_port()
    command = [
        program,
        *QUICK,
        "-jar",
        str(jar),
        f"--port={port}",
        "--localhost",
        "--mem",
        "--update",
        "/ds",
    ]
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / "output.log").open("w") as log,
        started(command, log, {"FUSEKI_BASE": str(folder)}) as process,
    ):
        wait_for_port(port, process, folder / "output.log")
        wait_for_answer(f"http://127.0.0.1:{port}/ds/query?query=ASK%7B%7D")
        yield f"http://127.0.0.1:{port}/ds"


@contextlib.contextmanager
def started(command: list[str], log: object, environment: Mapping[str, str] = {}) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is stopped at the end, by its id."""
    process = subprocess.Popen(  # type: ignore[call-overload]
        command, stdout=log, stderr=log, env={**os.environ, **environment}, preexec_fn=_end_with_parent
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_with_parent() -> None:
    """Linux: end when the tests are killed before they can stop us."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path, *, seconds: float = 600) -> None:
    """Wait until something listens; raises with the server's own words when it ends before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    said = log.read_text("utf-8", "replace")[-2000:] if log.exists() else ""
    raise RuntimeError(f"the server does not listen on port {port}: {said}")


def wait_for_answer(url: str, *, seconds: float = 300) -> None:
    """Wait until an HTTP server answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _lib(release: Neo4jRelease) -> Path:
    return jars(f"org.neo4j:neo4j:{release.version}")


def _admin(release: Neo4jRelease, home: Path, *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
    command = [
        java(release.java),
        *QUICK,
        *_OPENS,
        "-cp",
        f"{_lib(release)}/*",
        "org.neo4j.cli.AdminTool",
        *arguments,
    ]
    environment = {**os.environ, "NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout, check=False)


def main() -> None:
    """Start a Neo4j on its usual port, with its data kept in the cache, until Ctrl-C."""
    name = sys.argv[1] if len(sys.argv) > 1 else "2026"
    if name not in NEO4J:
        sys.exit(f"no release {name!r}: choose one of {', '.join(NEO4J)}")
    port = int(os.environ.get("NEO4J_PORT", "7687"))
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's job in the background is born deaf to Ctrl-C
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        with tempfile.TemporaryDirectory(prefix="kg-neo4j-") as folder, neo4j(name, Path(folder), port=port) as server:
            print(
                f"Neo4j {server.release.version} runs at {server.address}, user neo4j, password {server.password}\n"
                f"Load a graph: NEO4J_PASSWORD={server.password} kg load DIR {server.address}\n"
                "Ctrl-C stops it and removes its data.",
                flush=True,
            )
            while True:
                time.sleep(3600)
    except NotAvailable as reason:
        sys.exit(str(reason))


if __name__ == "__main__":
    main()
