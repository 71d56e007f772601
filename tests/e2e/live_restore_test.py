"""brigd dies by kill -9 while containers run: they keep running and logging, nothing is lost."""
import os
import time

from conftest import wait_for


def test_containers_outlive_the_daemon(engine):
    engine.brig("run", "-d", "--name", "ticker", "-p", "127.0.0.1:0:80", "busybox", "sh", "-c",
                "i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.1; done")
    engine.brig("run", "-d", "--name", "finishes", "busybox", "sh", "-c", "sleep 1; echo last words; exit 23")
    engine.brig("run", "-d", "--rm", "--name", "goes", "busybox", "sleep", "1")
    address = engine.brig("inspect", "--format", "{{.NetworkSettings.IPAddress}}", "ticker").stdout
    pid = int(engine.brig("inspect", "--format", "{{.State.Pid}}", "ticker").stdout)

    engine.kill9()
    time.sleep(2)
    assert os.path.exists(f"/proc/{pid}")
    engine.start()

    states = engine.brig("ps", "-a", "--format", "{{.Names}} {{.State}}").stdout.split("\n")
    assert "ticker running" in states and "finishes exited" in states
    assert engine.brig("inspect", "--format", "{{.State.ExitCode}}", "finishes").stdout == "23\n"
    assert engine.brig("logs", "finishes").stdout == "last words\n"
    wait_for(lambda: "goes" not in engine.brig("ps", "-a", "--format", "{{.Names}}").stdout, 5, "autoremove")

    ticks = engine.brig("logs", "ticker").stdout.split("\n")
    assert len(ticks) > 15, "logging went on while the daemon was dead"
    assert ticks[:3] == ["tick 1", "tick 2", "tick 3"]
    assert engine.brig("inspect", "--format", "{{.NetworkSettings.IPAddress}}", "ticker").stdout == address
    assert engine.brig("exec", "ticker", "echo", "hi").stdout == "hi\n"
    taken = engine.brig("run", "--rm", "busybox", "hostname", "-i").stdout
    assert taken.strip() != address.strip()
    engine.brig("stop", "-t", "1", "ticker")
    assert engine.brig("wait", "ticker").stdout == "137\n"
    engine.brig("rm", "ticker", "finishes")


def test_kill_at_random_moments_of_run_leaves_a_working_engine(engine):
    import random
    import subprocess
    random.seed(20261121)
    for _ in range(8):
        running = [subprocess.Popen(engine.command("run", "--rm", "busybox", "echo", "x"),
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(3)]
        time.sleep(random.random() * 0.3)
        engine.kill9()
        for process in running:
            process.wait(20)
        engine.start()
        assert engine.brig("run", "--rm", "busybox", "echo", "alive").stdout == "alive\n"


def test_stop_and_start_of_the_daemon_keeps_containers(engine):
    engine.brig("run", "-d", "--name", "stays", "busybox", "sleep", "1000")
    engine.stop()
    engine.start()
    assert engine.brig("ps", "--format", "{{.Names}}").stdout == "stays\n"
    engine.brig("rm", "-f", "stays")
