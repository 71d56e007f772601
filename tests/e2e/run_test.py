"""`brig run` and its relatives as a docker user knows them: flags, streams, exit codes, limits."""
import os
import pty
import select
import signal
import subprocess
import time

import pytest
from conftest import wait_for


def run(engine, *args, **options):
    return engine.brig("run", "--rm", *args, **options)


def test_output_goes_to_the_right_stream(tidy):
    done = run(tidy, "busybox", "sh", "-c", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_all_output_arrives_before_exit(tidy):
    done = run(tidy, "busybox", "sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done")
    lines = done.stdout.splitlines()
    assert len(lines) == 20000 and lines[-1] == "line 19999"


@pytest.mark.parametrize("command, code", [
    (["true"], 0), (["false"], 1), (["sh", "-c", "exit 42"], 42), (["sh", "-c", "sh -c 'kill -9 $$'; exit $?"], 137),
    (["nonexistent"], 127), (["/etc"], 126)])
def test_exit_codes(tidy, command, code):
    assert run(tidy, "busybox", *command, check=False).returncode == code


def test_command_not_found_says_so_as_docker_does(tidy):
    done = run(tidy, "busybox", "nonexistent", check=False)
    assert 'exec: "nonexistent": executable file not found in $PATH' in done.stderr


def test_stdin_reaches_the_container_and_ends(tidy):
    assert run(tidy, "-i", "busybox", "cat", input="one\ntwo\n").stdout == "one\ntwo\n"
    big = "x" * 3_000_000
    assert len(run(tidy, "-i", "busybox", "cat", input=big).stdout) == len(big)


def test_environment_workdir_user_hostname(tidy, workspace):
    env_file = workspace / "vars"
    env_file.write_text("# comment\nFROM_FILE=f\n")
    script = "echo $A $FROM_FILE $(pwd) $(id -u):$(id -g) $(hostname)"
    done = run(tidy, "-e", "A=1", "--env-file", env_file, "-w", "/made/up", "-u", "1000:1001", "-h", "box",
               "busybox", "sh", "-c", script)
    assert done.stdout == "1 f /made/up 1000:1001 box\n"


def test_entrypoint_is_replaced(tidy):
    assert run(tidy, "--entrypoint", "echo", "busybox", "a", "b").stdout == "a b\n"


def test_read_only_root_and_tmpfs(tidy):
    done = run(tidy, "--read-only", "--tmpfs", "/scratch:size=1m", "busybox", "sh", "-c",
               "touch /x 2>/dev/null && echo writable; touch /scratch/y && echo scratch")
    assert done.stdout == "scratch\n"


def test_bind_and_named_volumes(tidy, workspace):
    shared = workspace / "shared"
    shared.mkdir(exist_ok=True)
    (shared / "from-host").write_text("hello")
    assert run(tidy, "-v", f"{shared}:/data:ro", "busybox", "cat", "/data/from-host").stdout == "hello"
    assert run(tidy, "-v", f"{shared}:/data:ro", "busybox", "touch", "/data/x", check=False).returncode == 1
    run(tidy, "-v", "keep:/data", "busybox", "sh", "-c", "echo kept > /data/file")
    assert run(tidy, "-v", "keep:/data", "busybox", "cat", "/data/file").stdout == "kept\n"
    assert "keep" in tidy.brig("volume", "ls", "-q").stdout.split()
    tidy.brig("volume", "rm", "keep")


def test_volume_copies_the_images_content_up(tidy):
    assert "passwd" in run(tidy, "-v", "copied:/etc", "busybox", "ls", "/etc").stdout
    mountpoint = tidy.brig("volume", "inspect", "--format", "{{.Mountpoint}}", "copied").stdout.strip()
    assert "passwd" in os.listdir(mountpoint)
    tidy.brig("volume", "rm", "copied")


def status_field(engine, field, *flags):
    return run(engine, *flags, "busybox", "sed", "-n", f"s/^{field}:\\s*//p", "/proc/self/status").stdout.strip()


def test_capabilities_are_dockers(tidy):
    assert status_field(tidy, "CapEff") == "00000000a80425fb"
    assert status_field(tidy, "CapEff", "--cap-drop", "ALL") == "0000000000000000"
    assert status_field(tidy, "CapEff", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN") == "0000000000001000"
    assert status_field(tidy, "CapInh") == "0000000000000000"  # CVE-2022-24769
    assert status_field(tidy, "CapEff", "-u", "1000") == "0000000000000000"


def test_seccomp_is_on_unless_privileged(tidy):
    assert status_field(tidy, "Seccomp") == "2"
    assert status_field(tidy, "Seccomp", "--privileged") == "0"


def test_masked_paths(tidy):
    done = run(tidy, "busybox", "sh", "-c", "cat /proc/keys /proc/timer_list | wc -c; ls /proc/acpi /sys/firmware | grep -v :;"
               " echo x > /proc/sys/kernel/hostname", check=False)
    assert done.stdout.split() == ["0"]
    assert "Read-only file system" in done.stderr


def cgroup_file(engine, name, controller, file):
    pid = engine.brig("inspect", "--format", "{{.State.Pid}}", name).stdout.strip()
    for line in open(f"/proc/{pid}/cgroup"):
        _, controllers, path = line.strip().split(":", 2)
        if controller in controllers.split(","):
            return open(f"/sys/fs/cgroup/{controller}{path}/{file}").read().strip()
        if controllers == "" and os.path.exists(f"/sys/fs/cgroup{path}/{file}"):
            return open(f"/sys/fs/cgroup{path}/{file}").read().strip()
    raise AssertionError(f"no cgroup of {controller} for {name}")


@pytest.mark.skipif(not os.path.isdir("/sys/fs/cgroup/memory"), reason="this host's controllers are on cgroup v2")
def test_limits_reach_cgroup_v1(tidy):
    tidy.brig("run", "-d", "--name", "limited", "--memory", "64m", "--cpus", "0.5", "--pids-limit", "40",
              "busybox", "sleep", "100")
    assert cgroup_file(tidy, "limited", "memory", "memory.limit_in_bytes") == str(64 << 20)
    assert cgroup_file(tidy, "limited", "cpu", "cpu.cfs_quota_us") == "50000"
    assert cgroup_file(tidy, "limited", "pids", "pids.max") == "40"


def test_pids_limit_holds(tidy):
    done = run(tidy, "--pids-limit", "5", "busybox", "sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait",
               check=False)
    assert "fork" in done.stderr


def test_memory_limit_kills(tidy):
    tidy.brig("run", "--name", "hog", "--memory", "16m", "busybox", "sh", "-c", "x=a; while :; do x=$x$x; done",
              check=False)
    assert tidy.brig("inspect", "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}", "hog").stdout == "137 true\n"


def test_networks_none_and_host(tidy):
    assert run(tidy, "--network", "none", "busybox", "ls", "/sys/class/net").stdout.split() == ["lo"]
    assert tidy.bridge in run(tidy, "--network", "host", "busybox", "ls", "/sys/class/net").stdout.split()


def test_lifecycle_of_a_detached_container(tidy):
    cid = tidy.brig("run", "-d", "--name", "web", "-l", "tier=front", "busybox", "sh", "-c",
                    "echo started; exec sleep 1000").stdout.strip()
    assert len(cid) == 64
    assert cid.startswith(tidy.brig("ps", "-q").stdout.strip())
    assert tidy.brig("ps", "--filter", "label=tier=front", "--format", "{{.Names}} {{.State}}").stdout == "web running\n"
    wait_for(lambda: tidy.brig("logs", "web").stdout == "started\n", 5, "the log")
    assert "sleep 1000" in tidy.brig("top", "web").stdout
    assert tidy.brig("exec", "web", "echo", "inside").stdout == "inside\n"
    assert tidy.brig("exec", "web", "sh", "-c", "exit 7", check=False).returncode == 7
    assert tidy.brig("exec", "web", "nope", check=False).returncode == 127
    tidy.brig("restart", "-t", "0", "web")
    assert tidy.brig("inspect", "--format", "{{.State.Status}}", "web").stdout == "running\n"
    tidy.brig("stop", "-t", "1", "web")
    assert tidy.brig("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "web").stdout == "exited 137\n"
    tidy.brig("start", "web")
    tidy.brig("kill", "-s", "TERM", "web")
    tidy.brig("kill", "web")
    assert tidy.brig("wait", "web").stdout == "137\n"
    tidy.brig("rm", "web")
    assert tidy.brig("ps", "-aq").stdout == ""


def test_a_container_to_be_removed_keeps_its_files_over_a_restart(tidy):
    tidy.brig("run", "-d", "--rm", "--name", "passing", "busybox", "sh", "-c", "echo x >> /file; sleep 1000")
    for _ in range(2):
        tidy.brig("restart", "-t", "0", "passing")
    assert tidy.brig("exec", "passing", "cat", "/file").stdout == "x\nx\nx\n"


def test_an_image_can_go_as_soon_as_its_last_container_has(tidy, workspace):
    context = workspace / "short-lived"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM busybox\nRUN touch /made\n")
    tidy.brig("build", "-q", "-t", "short-lived", context)
    tidy.brig("run", "--rm", "short-lived", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do echo > /$i; done")
    tidy.brig("rmi", "short-lived")


def test_create_then_start_attached(tidy):
    tidy.brig("create", "--name", "later", "busybox", "echo", "now")
    assert tidy.brig("ps", "-a", "--format", "{{.Status}}").stdout == "Created\n"
    assert tidy.brig("start", "-a", "later").stdout == "now\n"


def test_logs_tail_timestamps_and_follow(tidy):
    tidy.brig("run", "-d", "--name", "talk", "busybox", "sh", "-c",
              "for i in 1 2 3; do echo line $i; done; sleep 1; echo end")
    follow = subprocess.run(tidy.command("logs", "-f", "talk"), stdout=subprocess.PIPE, text=True, timeout=20)
    assert follow.stdout == "line 1\nline 2\nline 3\nend\n"
    assert tidy.brig("logs", "--tail", "2", "talk").stdout == "line 3\nend\n"
    stamped = tidy.brig("logs", "-t", "--tail", "1", "talk").stdout.split()
    assert stamped[0].startswith("20") and stamped[0].endswith("Z") and stamped[1] == "end"


def read_until(master, wanted, seconds=10):
    seen = b""
    deadline = time.monotonic() + seconds
    while wanted not in seen and time.monotonic() < deadline:
        if select.select([master], [], [], 0.2)[0]:
            try:
                seen += os.read(master, 4096)
            except OSError:
                break
    assert wanted in seen, seen
    return seen


class Terminal:
    """A brig command on a pseudo-terminal, driven as a person would."""

    def __init__(self, argv):
        import fcntl
        import struct
        import termios
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 111, 0, 0))
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def send(self, data):
        os.write(self.master, data)

    def expect(self, wanted):
        return read_until(self.master, wanted)

    def resize(self, rows, columns):
        import fcntl
        import struct
        import termios
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal(tidy):
    opened = []

    def open_terminal(*args):
        opened.append(Terminal(tidy.command(*args)))
        return opened[-1]
    yield open_terminal
    for each in opened:
        each.close()


def test_terminal_session(terminal):
    shell = terminal("run", "--rm", "-it", "busybox", "sh")
    shell.expect(b"# ")
    shell.send(b"stty size\n")
    shell.expect(b"33 111")
    shell.resize(40, 120)
    time.sleep(0.3)
    shell.send(b"stty size\n")
    shell.expect(b"40 120")
    shell.send(b"sleep 100\n")
    time.sleep(0.3)
    shell.send(b"\x03")
    shell.send(b"echo back-$((1+1))\n")
    shell.expect(b"back-2")
    shell.send(b"exit 3\n")
    assert shell.process.wait(10) == 3


def test_detach_keys_leave_it_running_and_attach_returns(terminal, tidy):
    shell = terminal("run", "-it", "--name", "kept", "busybox", "sh")
    shell.expect(b"# ")
    shell.send(b"\x10\x11")
    assert shell.process.wait(10) == 0
    assert tidy.brig("ps", "--format", "{{.Names}}").stdout == "kept\n"
    again = terminal("attach", "kept")
    again.send(b"echo again-$((2+3))\n")
    again.expect(b"again-5")


def test_exec_with_terminal(terminal, tidy):
    tidy.brig("run", "-d", "--name", "host", "busybox", "sleep", "100")
    shell = terminal("exec", "-it", "host", "sh")
    shell.expect(b"# ")
    shell.send(b"tty; exit 5\n")
    shell.expect(b"/dev/pts/")
    assert shell.process.wait(10) == 5


def test_interrupt_is_passed_on_without_a_terminal(tidy):
    process = subprocess.Popen(tidy.command("run", "--name", "trap", "busybox", "sh", "-c",
                                            "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.1; done"),
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "caught\n"
    assert process.wait(10) == 9
