"""Namespaces shared between containers, --init, and the limits that containers inherit."""
import resource
import time

from conftest import wait_for


def test_init_reaps_forwards_and_returns_the_status(tidy):
    shown = tidy.brig("run", "--rm", "--init", "busybox", "cat", "/proc/1/cmdline").stdout
    assert shown.startswith("/sbin/docker-init\0--\0cat")
    assert tidy.brig("run", "--rm", "--init", "busybox", "sh", "-c", "exit 42", check=False).returncode == 42
    assert tidy.brig("run", "--rm", "--init", "busybox", "nonexistent", check=False).returncode == 127
    assert tidy.brig("run", "--rm", "--init", "-t", "busybox", "tty").stdout.startswith("/dev/pts/")
    # An orphan of a shell that is gone is reaped, not a zombie.
    tidy.brig("run", "-d", "--name", "box", "--init", "busybox", "sh", "-c",
              "trap 'exit 7' TERM; (sleep 0.1 &); while :; do sleep 0.1; done")
    time.sleep(1)
    assert "<defunct>" not in tidy.brig("exec", "box", "ps").stdout
    tidy.brig("stop", "-t", "20", "box")
    assert tidy.brig("wait", "box").stdout == "7\n", "SIGTERM reached the command"
    assert tidy.brig("diff", "box").stdout == ""


def test_another_containers_namespaces(tidy):
    tidy.brig("run", "-d", "--name", "donor", "--ipc", "shareable", "busybox", "sleep", "1234")
    assert "sleep 1234" in tidy.brig("run", "--rm", "--pid", "container:donor", "busybox", "ps").stdout
    tidy.brig("exec", "donor", "sh", "-c", "echo shared > /dev/shm/note")
    assert tidy.brig("run", "--rm", "--ipc", "container:donor", "busybox", "cat", "/dev/shm/note").stdout == "shared\n"
    address = tidy.brig("inspect", "--format", "{{.NetworkSettings.IPAddress}}", "donor").stdout.strip()
    joined = tidy.brig("run", "--rm", "--network", "container:donor", "busybox", "sh", "-c", "ifconfig eth0; hostname").stdout
    assert address in joined and joined.endswith(tidy.brig("exec", "donor", "hostname").stdout)
    tidy.brig("run", "-d", "--name", "alone", "--network", "none", "busybox", "sleep", "1000")
    tidy.brig("run", "--rm", "--network", "container:alone", "busybox", "true")
    refused = tidy.brig("run", "--rm", "--ipc", "container:alone", "busybox", "true", check=False)
    assert refused.returncode == 125 and "non-shareable IPC" in refused.stderr
    tidy.brig("stop", "-t", "0", "donor")
    refused = tidy.brig("run", "--rm", "--pid", "container:donor", "busybox", "true", check=False)
    assert refused.returncode == 125 and "cannot join PID of a non running container" in refused.stderr
    assert tidy.brig("run", "--rm", "--pid", "container:nobody", "busybox", "true", check=False).returncode == 125


def test_the_hosts_namespaces(tidy):
    import os
    assert "brigd" in tidy.brig("run", "--rm", "--pid", "host", "busybox", "ps").stdout
    assert tidy.brig("run", "--rm", "--uts", "host", "busybox", "hostname").stdout.strip() == os.uname().nodename
    mine = os.readlink("/proc/self/ns/ipc")
    assert tidy.brig("run", "--rm", "--ipc", "host", "busybox", "readlink", "/proc/self/ns/ipc").stdout.strip() == mine


def test_descriptor_limit_is_what_the_engine_started_with(tidy):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    show = ["sh", "-c", "ulimit -Sn; ulimit -Hn"]
    expected = f"{soft}\n{hard}\n"
    assert tidy.brig("run", "--rm", "busybox", *show).stdout == expected
    tidy.brig("run", "-d", "--name", "box", "--ulimit", "nofile=100:200", "busybox", "sleep", "1000")
    assert tidy.brig("exec", "box", *show).stdout == "100\n200\n"
