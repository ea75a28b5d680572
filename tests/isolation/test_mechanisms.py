"""Under every mechanism each attempt fails, and without one it succeeds."""

import os
import textwrap

import pytest

from .conftest import SMALL

LEAVES_A_TRACE = {
    "append to a file of the home": "open(secret, 'a').write('!')",
    "cut a file of the home": "import os; os.truncate(secret, 1)",
    "make a file in the home": "open(home + '/new', 'w')",
    "make a folder in the home": "import os; os.mkdir(home + '/folder')",
    "make a link in the home": "import os; os.symlink('/', home + '/link')",
    "rename in the home": "import os; os.rename(secret, home + '/moved'); os.rename(home + '/moved', secret)",
    "make a file of the home anyone's": "import os; os.chmod(secret, 0o777)",
    "set the time of a file of the home": "import os; os.utime(secret, (1, 1))",
    "change the model in the cache": "open(model, 'r+').write('other')",
    "write into an environment": "open(library, 'w')",
    "write to /tmp": "open('/tmp/mlms_was_here.txt', 'w')",
    "write to the project": "open(project, 'w')",
    "write to another worker's scratch": "open(neighbour, 'a').write('!')",
    "connect by TCP": "import socket; socket.create_connection(('127.0.0.1', tcp), 5).close()",
    "send by UDP": """
        import socket, time
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.connect(('127.0.0.1', udp))
        for _ in range(2):
            sender.send(b'canary')  # that nobody is there is known from the second on
            time.sleep(0.05)
        """,
    "connect to a service of the user": "import socket; socket.socket(socket.AF_UNIX).connect(bus)",
    "connect to an unnamed service": "import socket; socket.socket(socket.AF_UNIX).connect(abstract)",
    "remove from the home": "import os; os.unlink(secret)",
}
LEAVES_NONE = {
    "read a file of the home": "result = open(secret).read()",
    "list the home": "import os; result = os.listdir(home)",
    "read another worker's scratch": "result = open(neighbour).read()",
    "read the users": "open('/etc/passwd').read()",
    "resolve a name": "import socket; socket.getaddrinfo('localhost', 80)",
    "send a signal": "import os, signal; os.kill(victim, signal.SIGCONT)",
    "read another process's variables": "open('/proc/%d/environ' % victim).read()",
    "walk to a file through another process": "open('/proc/%d/root%s' % (victim, neighbour)).read()",
    "limit another process": "import resource; resource.prlimit(victim, resource.RLIMIT_CORE, (0, 0))",
}
#: What someone does who knows that it is confined: a view of its own, in which the cache can be written.
#: Never to be tried unconfined: what it takes apart may be the machine's own view.
REMOUNT = """
    import ctypes, os
    libc = ctypes.CDLL(None, use_errno=True)
    libc.unshare(0x10000000 | 0x20000)
    place = os.path.dirname(model).encode()
    libc.mount(b'none', place, None, ctypes.c_ulong(4096 | 32), None)
    libc.umount2(place, 2)
    libc.umount2(b'/', 2)
    open(model, 'r+').write('other')
    """
SETTINGS = ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/pid_max")
FORKS = """
    import os, time
    result = 0
    try:
        while result < 600:
            if os.fork() == 0:
                time.sleep(600)
            result += 1
    except OSError:
        pass
    """
FILL = "open('big', 'wb').write(bytes(4_000_000))"
DEVICES = "open('/dev/null', 'w').write('x'); open('/dev/urandom', 'rb').read(1)"
ROUND_TRIP = """
    import os, tempfile
    for folder in (None, os.environ['HOME'], '.'):
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b'x')
    """


def refused(agent, code):
    (said,) = agent.run(textwrap.dedent(code))
    assert said.startswith("refused: ")


@pytest.mark.parametrize("code", LEAVES_A_TRACE.values(), ids=LEAVES_A_TRACE)
def test_what_leaves_a_trace_is_refused_and_leaves_none(confined, stage, code):
    stage.traces()
    refused(confined, code)
    assert stage.traces() == []


@pytest.mark.parametrize("code", LEAVES_NONE.values(), ids=LEAVES_NONE)
def test_what_leaves_no_trace_is_refused(confined, code):
    refused(confined, code)


def test_all_of_that_can_be_done_without_isolation(free, stage):
    stage.traces()
    said = free.run(*LEAVES_NONE.values())
    assert [text for text in said if text.startswith("refused")] == []
    assert (said[0], said[2]) == ("canary", "canary")
    assert "secret.txt" in said[1]
    for attempt, code in LEAVES_A_TRACE.items():
        assert free.run(textwrap.dedent(code)) == ["done"], attempt
        assert stage.traces() != [], attempt
    stage.secret.write_text("canary")
    stage.traces()


def test_a_view_of_its_own_does_not_let_it_write(confined, stage):
    stage.traces()
    refused(confined, REMOUNT)
    assert stage.traces() == []


def test_the_settings_of_the_kernel_cannot_be_written(confined):
    # Root could run a program of its choice through this one, from within any namespace.
    for setting in SETTINGS:
        refused(confined, f"open({setting!r}, 'r+')")


def test_processes_are_bounded_or_the_record_says_that_they_are_not(confined, stage):
    most = confined.described["isolation"]["limits"]["processes"]
    (count,) = confined.run(textwrap.dedent(FORKS))
    confined.start(stage)
    # Where the kernel counts all processes of a user, the limit is on top of all that the machine has.
    assert (int(count) < 600) is (most is not None), count


def test_as_many_processes_can_be_started_without_isolation(free, stage):
    assert free.run(textwrap.dedent(FORKS)) == ["600"]
    free.start(stage)


@pytest.mark.parametrize("setting", SETTINGS)
def test_root_can_open_the_settings_of_the_kernel_without_isolation(free, setting):
    (said,) = free.run(f"open({setting!r}, 'r+')")
    assert (said == "done") is (os.geteuid() == 0)


def test_a_file_has_a_largest_size(confined, free):
    refused(confined, FILL)
    assert free.run(FILL) == ["done"]


def test_what_a_model_needs_is_there(confined):
    assert confined.run(textwrap.dedent(ROUND_TRIP), DEVICES, "result = open(model).read()") == [
        "done",
        "done",
        "canary",
    ]


def test_the_model_sees_its_own_file_and_not_the_one_beside_it(confined, stage):
    other = stage.model.with_name("other.bin")
    other.write_text("canary")
    refused(confined, f"open({str(other)!r}).read()")
    other.unlink()


def test_the_record_says_what_held(confined):
    said = confined.described["isolation"]
    assert (said["files"], said["network"], said["missing"]) == ("own view", "none", [])
    assert said["processes"] == ("shielded" if said["mechanism"] == "landlock" else "own")
    assert said["limits"]["file_bytes"] == SMALL.file_bytes


def test_the_record_says_what_did_not(free):
    said = free.described["isolation"]
    assert (said["mechanism"], said["files"], said["network"]) == ("limits", "host", "host")
