"""What several tests of the hub look at."""

from __future__ import annotations

import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pytest_mlmodelscope.cli.main import cli


def problem(answer, status):
    """The problem that an answer tells of; fails where it is of another status or form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["title"]
    return told


def pem(private=None) -> str:
    public = (private or Ed25519PrivateKey.generate()).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def asking(job) -> bool:
    """Whether a job has come so far that its model is asked."""
    return job.state == "running" and "asking" in job.message


def below(process) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def gone(processes, seconds: float = 20.0) -> bool:
    return not psutil.wait_procs(processes, timeout=seconds)[1]


def mlms(*words: str) -> None:
    """A command, in a process of its own (``processes``)."""
    cli(words, prog_name="mlms")
