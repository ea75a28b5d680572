"""A stranger's machine: a real SSH server on this one, with keys, a home folder and a PATH of its own.

The server is Debian's, unpacked where it is not installed. It needs no rights: whoever runs the tests may
log in, with a key that is made for the test. Root's server wants a user and a folder that an installation
would make; it gets them in a view of the files that nobody else has.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

from pytest_mlmodelscope.agent.interpreters import fitting
from pytest_mlmodelscope.manifest.sources import debian

#: As root: a list of users that has the server's own, and its empty folder.
_AS_ROOT = """
mount --bind "$1" /etc/passwd && mount -t tmpfs none /run && mkdir /run/sshd && shift && exec "$@"
"""


def unpacked_server(folder: Path) -> Path:
    """The folder ``usr`` with an SSH server, its client and its libraries: the system's, or one below ``folder``."""
    if shutil.which("ssh") and Path("/usr/sbin/sshd").exists():
        return Path("/usr")
    packages = folder / "packages"
    packages.mkdir()
    for package in debian.with_dependencies("openssh-server", packages, lambda text: None):
        subprocess.run(["dpkg-deb", "--extract", package, folder / "root"], check=True)
    return folder / "root" / "usr"


class Stranger:
    """The machine. ``home`` is its user's, ``programs`` its PATH; ``address`` is where it is."""

    def __init__(self, server: Path, folder: Path) -> None:
        self._server, self._folder = server, folder
        self.home, self.programs, self.client = folder / "home", folder / "programs", folder / "client"
        self._temporary = folder / "tmp"
        for made in (self.home, self.programs, self.client, self._temporary):
            made.mkdir(parents=True)
        self._key("host_key")
        self._key("user_key")
        shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._write_client()
        self.know()
        self._process = self._started()

    @property
    def address(self) -> str:
        """With user and port, as nobody's configuration names it."""
        return f"ssh://{pwd.getpwuid(os.getuid()).pw_name}@127.0.0.1:{self.port}"

    def give(self, *specifiers: str) -> None:
        """Put Pythons of these versions on its PATH, and nothing but what a shell needs besides."""
        for specifier in specifiers:
            found = next(iter(fitting(specifier)))
            name = f"python{found.version.major}.{found.version.minor}"
            (self.programs / name).symlink_to(found.path.resolve())

    def know(self) -> None:
        """Note its host key, as somebody does who logged in before."""
        key = " ".join((self._folder / "host_key.pub").read_text().split()[:2])
        (self._folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {key}\n")

    def forget(self) -> None:
        """Know no host key."""
        (self._folder / "known_hosts").write_text("")

    def mistake(self) -> None:
        """Know another host key than it has."""
        key = " ".join((self._folder / "user_key.pub").read_text().split()[:2])
        (self._folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {key}\n")

    def lock_out(self) -> str:
        """Take back the keys that may log in; they are returned."""
        place = self._folder / "authorized_keys"
        keys = place.read_text()
        place.write_text("")
        return keys

    def let_in(self, keys: str) -> None:
        """Let these keys log in."""
        (self._folder / "authorized_keys").write_text(keys)

    def hang_up(self) -> None:
        """Break every connection, as a network does that fails; new ones can be made."""
        for child in _children(self._process.pid):
            subprocess.run(["kill", "-KILL", str(child)], check=False)

    def workers(self) -> list[int]:
        """The processes of workers there, by their home folders."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(word.startswith(b"HOME=" + os.fsencode(self._temporary)) for word in words):
                found.append(int(entry.name))
        return found

    def workers_left(self) -> list[int]:
        """Those that are still there when they had the time to end."""
        for _ in range(200):
            if not (left := self.workers()):
                break
            time.sleep(0.05)
        return left

    def close(self) -> None:
        """End the server and every connection to it."""
        self.hang_up()
        self._process.terminate()
        self._process.wait()

    def _key(self, name: str) -> None:
        made = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self._folder / name)]
        subprocess.run([self._program("bin/ssh-keygen"), *made], check=True, env=self._variables())

    def _program(self, path: str) -> str:
        place = self._server / path
        return str(place if place.exists() else Path("/usr") / path)

    def _variables(self) -> dict[str, str]:
        libraries = sorted({str(file.parent) for file in self._server.glob("lib/**/*.so.*")})
        return {**os.environ, **({} if self._server == Path("/usr") else {"LD_LIBRARY_PATH": ":".join(libraries)})}

    def _write_client(self) -> None:
        """A program ``ssh`` that reads a configuration of ours instead of the user's."""
        settings = {
            "IdentityFile": self._folder / "user_key",
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self._folder / "known_hosts",
            "GlobalKnownHostsFile": "/dev/null",
            "UpdateHostKeys": "no",
        }
        lines = "".join(f"{name} {value}\n" for name, value in settings.items())
        named = f"Host lab\nHostName 127.0.0.1\nPort {self.port}\nHost *\n"
        (self._folder / "client_config").write_text(named + lines)
        program = self.client / "ssh"
        program.write_text(f'#!/bin/sh\nexec {self._program("bin/ssh")} -F {self._folder / "client_config"} "$@"\n')
        program.chmod(0o755)

    def _started(self) -> subprocess.Popen[bytes]:
        settings = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": self._folder / "host_key",
            "AuthorizedKeysFile": self._folder / "authorized_keys",
            "StrictModes": "no",
            "UsePAM": "no",
            "PidFile": "none",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "SetEnv": f"HOME={self.home} PATH={self.programs} TMPDIR={self._temporary}",
        }
        config = self._folder / "server_config"
        config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        command = [self._program("sbin/sshd"), "-D", "-e", "-f", str(config)]
        if os.geteuid() == 0:
            users = self._folder / "users"
            users.write_text(Path("/etc/passwd").read_text() + "sshd:x:64999:65534::/run/sshd:/usr/sbin/nologin\n")
            command = ["unshare", "--mount", "sh", "-ec", _AS_ROOT, "sh", str(users), *command]
        with (self._folder / "server_log").open("wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, env=self._variables())
        for name in ("sh", "cat", "sleep"):
            (self.programs / name).symlink_to(shutil.which(name) or name)
        self._wait_for(process)
        return process

    def _wait_for(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError((self._folder / "server_log").read_text()) from None
                time.sleep(0.02)


def _children(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in children]
