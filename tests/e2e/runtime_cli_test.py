"""brig-runtime's command line as runc's callers use it: output formats, exit codes, log lines."""
import array
import json
import os
import signal
import socket
import subprocess
import time

import pytest

import bundle as bundles
from conftest import wait_for
from terminal import Terminal

pytestmark = pytest.mark.skipif(bool(bundles.missing()), reason=str(bundles.missing()))


@pytest.fixture
def bundle(tmp_path):
    made = bundles.Bundle(tmp_path / "bundle", "sleep", "100")
    yield made
    made.remove()


def receive_descriptor(server):
    connection, _ = server.accept()
    with connection:
        text, control, _, _ = connection.recvmsg(100, socket.CMSG_SPACE(4))
    assert control, "no descriptor came"
    return text, array.array("i", control[0][2])[0]


def listener(path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    server.settimeout(10)
    return server


def test_lifecycle_and_its_states(bundle):
    bundle.run("create", "--bundle", bundle.dir, "--pid-file", "pid", bundle.id)
    state = bundle.state()
    assert list(state)[:7] == ["ociVersion", "id", "pid", "status", "bundle", "rootfs", "created"]
    assert (state["status"], state["owner"]) == ("created", "root")
    assert (bundle.dir / "pid").read_text() == str(state["pid"])
    bundle.run("start", bundle.id)
    assert bundle.state()["status"] == "running"
    assert bundle.run("delete", bundle.id, check=False).returncode == 1
    bundle.run("pause", bundle.id)
    assert bundle.state()["status"] == "paused"
    bundle.run("resume", bundle.id)
    bundle.run("kill", bundle.id, "KILL")
    wait_for(lambda: bundle.state()["status"] == "stopped", what="the container's end")
    failed = bundle.run("kill", bundle.id, "0", check=False)
    assert failed.returncode == 1 and "container not running" in failed.stderr
    bundle.run("kill", "--all", bundle.id, "9")
    bundle.run("delete", bundle.id)
    failed = bundle.run("state", bundle.id, check=False)
    assert failed.returncode == 1 and "does not exist" in failed.stderr
    bundle.run("delete", "--force", bundle.id)


def test_list_in_every_format(bundle):
    bundle.run("list")
    assert bundle.run("list", "-f", "json").stdout in ("null\n",)
    bundle.run("run", "-d", bundle.id)
    title, row = bundle.run("list").stdout.splitlines()
    assert title.split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert row.split()[0] == bundle.id and row.split()[2:4] == ["running", str(bundle.dir)]
    assert bundle.run("list", "--quiet").stdout == f"{bundle.id}\n"
    assert [c["id"] for c in json.loads(bundle.run("list", "--format=json").stdout)] == [bundle.id]
    assert bundle.run("list", "-f", "yaml", check=False).returncode == 1


def test_list_of_a_root_that_is_not_there(tmp_path):
    command = [bundles.RUNTIME, "--root", tmp_path / "none", "list"]
    assert subprocess.run(command, capture_output=True).returncode == 1


def test_ps(bundle):
    bundle.run("run", "-d", bundle.id)
    pid = bundle.state()["pid"]
    assert json.loads(bundle.run("ps", "-f", "json", bundle.id).stdout) == [pid]
    title, row = bundle.run("ps", bundle.id).stdout.splitlines()
    assert title.split()[:3] == ["UID", "PID", "PPID"] and row.split()[1] == str(pid)
    assert "COMMAND" in bundle.run("ps", bundle.id, "-e", "-x").stdout


def test_exit_codes(bundle):
    bundle.run("run", "-d", bundle.id)
    for words, code in ((["sh", "-c", "exit 42"], 42), (["sh", "-c", "kill -9 $$"], 137), (["nosuch"], 255)):
        assert bundle.run("exec", bundle.id, *words, check=False).returncode == code, words
    assert bundle.run("exec", "nosuch", "true", check=False).returncode == 255
    bundle.change(lambda config: config["process"].update(args=["sh", "-c", "exit 7"]))
    assert bundle.run("run", "other", check=False).returncode == 7
    bundle.change(lambda config: config["process"].update(args=["nosuch"]))
    failed = bundle.run("run", "other", check=False)
    assert failed.returncode == 1
    assert 'exec: "nosuch": executable file not found in $PATH' in failed.stderr
    assert bundle.run("list", "-q").stdout.split() == [bundle.id]


def test_a_terminal_in_the_foreground_passes_plain_newlines(bundle):
    """Carriage returns are for whoever shows the output, as with runc."""
    bundle.change(lambda config: config["process"].update(terminal=True, args=["sh", "-c", "echo one; echo two"]))
    done = subprocess.run(bundle.command("run", "other"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          timeout=60, check=True, cwd=bundle.dir)
    assert done.stdout == b"one\ntwo\n"


def test_an_exec_whose_pid_file_cannot_be_written_leaves_no_process(bundle):
    bundle.run("run", "-d", bundle.id)
    failed = bundle.run("exec", "-d", "--pid-file", "/nonexistent/pid", bundle.id, "sleep", "50", check=False)
    assert failed.returncode == 255
    assert len(json.loads(bundle.run("ps", "-f", "json", bundle.id).stdout)) == 1


def test_exec_options(bundle):
    bundle.run("run", "-d", bundle.id)
    out = bundle.run("exec", "--user", "12:34", "-g", "56", "-e", "A=b", "--cwd", "/bin", bundle.id,
                     "sh", "-c", "id; pwd; echo $A").stdout
    assert out.splitlines()[0].startswith("uid=12 gid=34") and "56" in out
    assert out.splitlines()[1:] == ["/bin", "b"]
    status = "grep -E 'CapEff|NoNewPrivs' /proc/self/status"
    assert "NoNewPrivs:\t1" in bundle.run("exec", "--no-new-privs", bundle.id, "sh", "-c", status).stdout
    with_admin = bundle.run("exec", "--cap", "CAP_NET_ADMIN", bundle.id, "sh", "-c", status).stdout
    assert int(with_admin.split()[1], 16) & 1 << 12
    for bad in ("nobody", "1:x", "1000 "):
        assert bundle.run("exec", "--user", bad, bundle.id, "id", check=False).returncode == 255
    process = {"args": ["echo", "from a file"], "cwd": "/", "user": {"uid": 0, "gid": 0},
               "env": ["PATH=/bin"]}
    (bundle.dir / "process.json").write_text(json.dumps(process))
    assert bundle.run("exec", "--process", "process.json", bundle.id).stdout == "from a file\n"


def test_errors_in_the_log(bundle):
    words = ["--log", str(bundle.dir / "log"), "--log-format", "json", "state", "nosuch"]
    failed = bundle.run(*words, check=False)
    line = json.loads((bundle.dir / "log").read_text().splitlines()[-1])
    assert line["level"] == "error" and "does not exist" in line["msg"] and line["time"]
    assert failed.stderr == f"brig-runtime: {line['msg']}\n"
    bundle.run("--log", "text.log", "state", "nosuch", check=False)
    assert 'level=error msg="container' in (bundle.dir / "text.log").read_text()
    bundle.run("--debug", "--log", "text.log", "list")
    assert "level=debug" in (bundle.dir / "text.log").read_text()
    wrong = bundle.run("--log-format", "xml", "list", check=False)
    assert wrong.returncode == 1 and "invalid log-format" in wrong.stderr


def test_console_and_process_descriptor_by_socket(bundle):
    bundle.change(lambda config: config["process"].update(args=["sh", "-c", "tty; sleep 100"], terminal=True))
    refused = bundle.run("create", bundle.id, check=False)
    assert refused.returncode == 1 and "cannot allocate tty" in refused.stderr
    with listener(bundle.dir / "console") as console, listener(bundle.dir / "pidfd") as pidfd:
        bundle.run("run", "-d", "--console-socket", "console", "--pidfd-socket", "pidfd", bundle.id)
        name, master = receive_descriptor(console)
        assert name == b"/dev/ptmx"
        assert os.read(master, 100) == b"/dev/pts/0\r\n"
        _, process = receive_descriptor(pidfd)
        signal.pidfd_send_signal(process, signal.SIGKILL)
    wait_for(lambda: bundle.state()["status"] == "stopped", what="the signal")
    bundle.change(lambda config: config["process"].update(terminal=False))
    refused = bundle.run("run", "-d", "--console-socket", "console", "other", check=False)
    assert refused.returncode == 1 and "cannot use console socket" in refused.stderr


def test_exec_on_a_terminal(bundle):
    bundle.run("run", "-d", bundle.id)
    with Terminal(bundle.command("exec", "-t", bundle.id, "sh")) as terminal:
        terminal.type("tty; exit 3\n")
        terminal.expect("/dev/pts/")
        assert terminal.wait() == 3


def test_events(bundle):
    bundle.run("run", "-d", bundle.id)
    event = json.loads(bundle.run("events", "--stats", bundle.id).stdout)
    assert (event["type"], event["id"]) == ("stats", bundle.id)
    assert event["data"]["pids"]["current"] == 1 and event["data"]["cpu"]["usage"]["total"] > 0
    follower = subprocess.Popen(bundle.command("events", "--interval", "100ms", bundle.id), stdout=subprocess.PIPE)
    assert json.loads(follower.stdout.readline())["type"] == "stats"
    bundle.run("kill", bundle.id, "KILL")
    assert follower.wait(10) == 0
    assert bundle.run("events", "--interval", "0s", bundle.id, check=False).returncode == 1


def test_events_tell_of_a_death_by_lack_of_memory(bundle):
    def limit(config):
        config["linux"]["resources"]["memory"] = {"limit": 8 << 20, "swap": 8 << 20}
        config["process"]["args"] = ["sh", "-c", "read x < /go; sh -c 'x=a; while :; do x=$x$x; done'; sleep 100"]
    bundle.change(limit)
    os.mkfifo(bundle.rootfs / "go")
    bundle.run("run", "-d", bundle.id)
    if "limit" not in json.loads(bundle.run("events", "--stats", bundle.id).stdout)["data"]["memory"]["usage"]:
        pytest.skip("memory is not counted here")
    follower = subprocess.Popen(bundle.command("events", "--interval", "1h", bundle.id), stdout=subprocess.PIPE)
    time.sleep(0.3)
    (bundle.rootfs / "go").write_text("go\n")
    assert json.loads(follower.stdout.readline()) == {"type": "oom", "id": bundle.id}
    follower.kill()
    follower.wait()


def test_update(bundle):
    bundle.run("run", "-d", bundle.id)
    pids = lambda: json.loads(bundle.run("events", "--stats", bundle.id).stdout)["data"]["pids"].get("limit")
    bundle.run("update", "--pids-limit", "10", bundle.id)
    assert pids() == 10
    (bundle.dir / "limits.json").write_text('{"pids": {"limit": 20}}')
    bundle.run("update", "-r", "limits.json", bundle.id)
    assert pids() == 20
    with open(bundle.dir / "limits.json") as file:
        bundle.run("update", "--resources", "-", bundle.id, stdin=file)
    for words in (["--memory", "lots"], ["--cpu-period", "1x"], ["--l3-cache-schema", "L3:0=f"]):
        assert bundle.run("update", *words, bundle.id, check=False).returncode == 1, words


def test_spec_is_runcs_and_runs(tmp_path):
    bundle = bundles.Bundle(tmp_path / "bundle", docker=False)
    config = json.loads((bundle.dir / "config.json").read_text())
    assert config["process"]["args"] == ["sh"] and config["process"]["terminal"] is True
    assert config["root"] == {"path": "rootfs", "readonly": True}
    assert {"type": "network"} in config["linux"]["namespaces"]
    bundle.change(lambda c: c["process"].update(args=["echo", "hello"], terminal=False))
    assert bundle.run("run", bundle.id).stdout == "hello\n"
    assert bundle.run("spec", check=False).returncode == 1, "an existing file was overwritten"
    (bundle.dir / "config.json").unlink()
    bundle.run("spec", "--rootless")
    config = json.loads((bundle.dir / "config.json").read_text())
    assert {"type": "user"} in config["linux"]["namespaces"]
    assert {"type": "network"} not in config["linux"]["namespaces"]
    assert config["linux"]["uidMappings"] == [{"containerID": 0, "hostID": 0, "size": 1}]


def test_features_help_and_what_is_not_there(bundle):
    features = json.loads(bundle.run("features").stdout)
    assert features["ociVersionMin"] == "1.0.0" and "pid" in features["linux"]["namespaces"]
    assert bundle.run("--help").stdout.splitlines()[1].startswith("   brig-runtime - Open Container Initiative runtime")
    for name in ("create", "run", "start", "state", "kill", "delete", "exec", "list", "ps", "events", "pause",
                 "resume", "update", "spec", "features", "checkpoint", "restore"):
        assert f"brig-runtime {name}" in bundle.run("help", name).stdout
        if name not in ("checkpoint", "restore"):
            assert f"brig-runtime {name}" in bundle.run(name, "--help").stdout
    for name in ("checkpoint", "restore"):
        failed = bundle.run(name, "--image-path", "x", bundle.id, check=False)
        assert failed.returncode == 1 and "not supported" in failed.stderr
    assert "No help topic" in bundle.run("foo", "-h", check=False).stderr
    assert bundle.run("state", check=False).returncode == 1
    assert bundle.run("start", "a", "b", check=False).returncode == 1
    assert bundle.run("run", "--no-such-option", bundle.id, check=False).returncode == 1
