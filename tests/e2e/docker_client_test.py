"""The unmodified docker client 28 in front of Brig: what a docker user types, and what comes back."""
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time

import pytest
from conftest import docker_client, wait_for
from terminal import Terminal

pytestmark = pytest.mark.skipif(docker_client() is None, reason="needs the docker client: none in PATH")


def docker_argv(engine, *args):
    return [docker_client(), *map(str, args)]


def run(engine, *args, **options):
    return engine.docker("run", "--rm", *args, **options)


def build(engine, tmp_path, dockerfile, *args, **options):
    (tmp_path / "Dockerfile").write_text(dockerfile)
    return engine.docker("build", *args, tmp_path, **options)


# The engine as a whole.

def test_version_is_negotiated(engine):
    done = engine.docker("version", "--format", "{{json .}}")
    server = json.loads(done.stdout)["Server"]
    assert server["ApiVersion"] == "1.51" and server["MinAPIVersion"] == "1.40"
    assert server["Os"] == "linux"
    assert "Server:" in engine.docker("version").stdout


@pytest.mark.parametrize("version", ["1.40", "1.41", "1.44", "1.47"])
def test_older_clients_are_served(tidy, version):
    env = {**tidy.env(), "DOCKER_API_VERSION": version}
    def docker(*args):
        return subprocess.run([docker_client(), *args], env=env, capture_output=True, text=True, timeout=60)
    assert docker("run", "--rm", "busybox", "echo", "hi").stdout == "hi\n"
    assert "busybox" in docker("images").stdout
    assert docker("ps", "-a").returncode == 0
    assert docker("image", "inspect", "busybox").returncode == 0


@pytest.mark.parametrize("version, words", [("1.24", "too old"), ("1.99", "too new")])
def test_versions_outside_are_refused(engine, version, words):
    env = {**engine.env(), "DOCKER_API_VERSION": version}
    done = subprocess.run([docker_client(), "ps"], env=env, capture_output=True, text=True)
    assert done.returncode == 1 and words in done.stderr


def test_info(tidy):
    text = tidy.docker("info").stdout
    assert "Storage Driver:" in text and "Cgroup Version:" in text
    info = json.loads(tidy.docker("info", "--format", "{{json .}}").stdout)
    assert info["Images"] >= 1 and info["NCPU"] >= 1 and info["DockerRootDir"] == str(tidy.root)


def test_what_is_missing_says_so(engine):
    for args in (["network", "create", "x"], ["swarm", "init"], ["plugin", "ls"], ["service", "ls"]):
        done = engine.docker(*args, check=False)
        assert done.returncode == 1 and "not implemented" in done.stderr, args


# Images.

def test_images_tag_history_rmi(tidy):
    assert re.search(r"^busybox\s+latest\s+[0-9a-f]{12}\s", tidy.docker("images").stdout, re.M)
    tidy.docker("tag", "busybox", "localhost:5000/deep/name:v1")
    assert tidy.docker("images", "-q", "localhost:5000/deep/name").stdout == tidy.docker("images", "-q", "busybox").stdout
    assert "CREATED BY" in tidy.docker("history", "localhost:5000/deep/name:v1").stdout
    details = json.loads(tidy.docker("image", "inspect", "busybox").stdout)[0]
    assert details["RootFS"]["Type"] == "layers" and details["Architecture"] == "amd64"
    assert "Untagged: localhost:5000/deep/name:v1" in tidy.docker("rmi", "localhost:5000/deep/name:v1").stdout
    done = tidy.docker("rmi", "localhost:5000/deep/name:v1", check=False)
    assert done.returncode == 1 and "No such image" in done.stderr


def test_images_can_be_filtered(tidy):
    assert tidy.docker("images", "-q", "--filter", "reference=busy*").stdout.strip()
    assert not tidy.docker("images", "-q", "--filter", "reference=nothing*").stdout
    assert not tidy.docker("images", "-q", "--filter", "label=none=such").stdout
    assert tidy.docker("images", "--filter", "nonsense=1", check=False).returncode == 1


def test_save_and_load(tidy, tmp_path):
    archive = tmp_path / "busybox.tar"
    tidy.docker("tag", "busybox", "travels:1")
    tidy.docker("save", "-o", archive, "travels:1")
    assert "manifest.json" in tarfile.open(archive).getnames()
    tidy.docker("rmi", "travels:1")
    assert "Loaded image: travels:1" in tidy.docker("load", "-i", archive).stdout
    assert run(tidy, "travels:1", "echo", "arrived").stdout == "arrived\n"
    tidy.docker("rmi", "travels:1")


def test_load_of_nonsense_is_an_error(tidy, tmp_path):
    for data in (b"not a tar", b"", os.urandom(4096)):
        (tmp_path / "bad").write_bytes(data)
        done = tidy.docker("load", "-i", tmp_path / "bad", check=False)
        assert done.returncode == 1 and done.stderr.strip(), data[:10]


def test_truncated_load_leaves_nothing(tidy, tmp_path):
    archive = tmp_path / "all.tar"
    tidy.docker("save", "-o", archive, "busybox")
    (tmp_path / "half.tar").write_bytes(archive.read_bytes()[:archive.stat().st_size // 2])
    before = tidy.docker("images", "-aq").stdout
    done = tidy.docker("load", "-i", tmp_path / "half.tar", check=False)
    assert done.returncode == 1 and done.stderr.strip()
    assert tidy.docker("images", "-aq").stdout == before


def test_import(tidy, tmp_path):
    (tmp_path / "root/bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), tmp_path / "root/bin/busybox")
    with tarfile.open(tmp_path / "root.tar", "w") as tar:
        tar.add(tmp_path / "root", ".")
    done = tidy.docker("import", "-c", 'CMD ["/bin/busybox", "echo", "imported"]', tmp_path / "root.tar", "mine:1")
    assert done.stdout.startswith("sha256:")
    assert run(tidy, "mine:1").stdout == "imported\n"
    tidy.docker("rmi", "mine:1")


def test_commit_and_export(tidy, tmp_path):
    tidy.docker("run", "--name", "worked", "--net", "none", "busybox", "sh", "-c", "echo new > /made; rm /bin/arch")
    made = tidy.docker("commit", "-m", "why", "-a", "me", "-c", 'CMD ["cat", "/made"]', "worked", "mine:2").stdout
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", made)
    assert run(tidy, "mine:2").stdout == "new\n"
    image = json.loads(tidy.docker("inspect", "mine:2").stdout)[0]
    assert (image["Id"], image["Comment"], image["Author"]) == (made.strip(), "why", "me")
    tidy.docker("export", "-o", tmp_path / "all.tar", "worked")
    with tarfile.open(tmp_path / "all.tar") as tar:
        names = tar.getnames()
        assert tar.extractfile("made").read() == b"new\n"
    assert "bin/busybox" in names and "bin/arch" not in names
    missing = tidy.docker("export", "-o", tmp_path / "none.tar", "nobody", check=False)
    assert missing.returncode == 1 and "No such container: nobody" in missing.stderr
    tidy.docker("rmi", "mine:2")


# Building.

def test_build(tidy, tmp_path):
    (tmp_path / "file").write_text("copied\n")
    dockerfile = "FROM busybox\nARG WHO=nobody\nENV GREETING=hello\nCOPY file /file\nRUN echo $WHO > /who\n" \
                 'CMD ["sh", "-c", "echo $GREETING $(cat /who) $(cat /file)"]\n'
    done = build(tidy, tmp_path, dockerfile, "-t", "built:1", "--build-arg", "WHO=me", "--label", "by=test")
    assert "Step 1/7 : FROM busybox" in done.stdout
    assert "Successfully tagged built:1" in done.stdout
    assert run(tidy, "built:1").stdout == "hello me copied\n"
    again = build(tidy, tmp_path, dockerfile, "-t", "built:1", "--build-arg", "WHO=me", "--label", "by=test")
    assert "Using cache" in again.stdout and "Running in" not in again.stdout
    labels = tidy.docker("inspect", "--format", "{{json .Config.Labels}}", "built:1").stdout
    assert json.loads(labels)["by"] == "test"
    quiet = build(tidy, tmp_path, dockerfile, "-q", "--build-arg", "WHO=me", "--label", "by=test")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", quiet.stdout)
    tidy.docker("rmi", "built:1")


def test_build_from_stdin_and_failing(tidy, tmp_path):
    done = tidy.docker("build", "-", input="FROM busybox\nRUN echo from stdin\n")
    assert "from stdin" in done.stdout
    failing = build(tidy, tmp_path, "FROM busybox\nRUN exit 3\n", check=False)
    assert failing.returncode == 3 or failing.returncode == 1
    assert "returned a non-zero code: 3" in failing.stderr
    wrong = build(tidy, tmp_path, "FROM busybox\nNONSENSE x\n", check=False)
    assert wrong.returncode == 1 and "NONSENSE" in wrong.stderr
    missing = build(tidy, tmp_path, "FROM busybox\nCOPY absent /\n", check=False)
    assert missing.returncode == 1 and "absent" in missing.stderr


# Running.

def test_run_in_foreground(tidy):
    done = run(tidy, "busybox", "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)


@pytest.mark.parametrize("command, code", [(["nonexistent"], 127), (["/etc"], 126), (["sh", "-c", "sh -c 'kill -9 $$'; exit $?"], 137)])
def test_exit_codes(tidy, command, code):
    assert run(tidy, "busybox", *command, check=False).returncode == code


def test_unknown_image_exits_125(tidy):
    done = run(tidy, "no-such-image", check=False)
    assert done.returncode == 125 and "Unable to find image" in done.stderr


def test_stdin_is_passed_and_ended(tidy):
    big = "x" * 5_000_000
    assert len(run(tidy, "-i", "busybox", "cat", input=big).stdout) == len(big)


def test_output_is_complete(tidy):
    done = run(tidy, "busybox", "sh", "-c", "seq 1 50000")
    assert done.stdout == "".join(f"{i}\n" for i in range(1, 50001))


def test_many_runs_in_a_row_lose_nothing(tidy):
    for i in range(30):
        assert run(tidy, "busybox", "echo", str(i)).stdout == f"{i}\n"


def test_detached_life(tidy):
    id = tidy.docker("run", "-d", "--name", "life", "-l", "a=b", "busybox", "sh", "-c",
                     "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.1; done").stdout.strip()
    assert re.fullmatch("[0-9a-f]{64}", id)
    assert re.search(r"Up .*\blife\b", tidy.docker("ps").stdout)
    assert tidy.docker("ps", "-q", "--no-trunc", "--filter", "label=a=b").stdout.strip() == id
    wait_for(lambda: "ready" in tidy.docker("logs", "life").stdout, what="output in the log")
    assert "sleep" in tidy.docker("top", "life").stdout
    state = json.loads(tidy.docker("inspect", "life").stdout)[0]
    assert state["State"]["Running"] and state["Name"] == "/life" and state["Id"] == id
    tidy.docker("pause", "life")
    assert "(Paused)" in tidy.docker("ps").stdout
    tidy.docker("unpause", "life")
    tidy.docker("rename", "life", "afterlife")
    waiter = subprocess.Popen(docker_argv(tidy, "wait", "afterlife"), env=tidy.env(), stdout=subprocess.PIPE, text=True)
    time.sleep(0.3)
    tidy.docker("stop", "afterlife")
    assert waiter.communicate(timeout=20)[0] == "5\n"
    assert tidy.docker("logs", "afterlife").stdout == "ready\nbye\n"
    assert "Exited (5)" in tidy.docker("ps", "-a").stdout
    assert tidy.docker("wait", "afterlife").stdout == "5\n"
    tidy.docker("restart", "-t", "0", "afterlife")
    assert "Up" in tidy.docker("ps").stdout
    refused = tidy.docker("rm", "afterlife", check=False)
    assert refused.returncode == 1 and "running" in refused.stderr
    tidy.docker("kill", "-s", "KILL", "afterlife")
    tidy.docker("rm", "-f", "afterlife")
    assert "afterlife" not in tidy.docker("ps", "-a").stdout


def test_create_start_attach(tidy):
    tidy.docker("create", "--name", "later", "-i", "busybox", "cat")
    done = tidy.docker("start", "-ai", "later", input="hello\n")
    assert done.stdout == "hello\n"


def test_names_are_taken_once(tidy):
    tidy.docker("create", "--name", "mine", "busybox")
    done = tidy.docker("create", "--name", "mine", "busybox", check=False)
    assert done.returncode == 1 and "already in use" in done.stderr


def test_logs(tidy):
    tidy.docker("run", "--name", "talks", "busybox", "sh", "-c", "for i in 1 2 3; do echo $i; done; echo e >&2")
    done = tidy.docker("logs", "talks")
    assert (done.stdout, done.stderr) == ("1\n2\n3\n", "e\n")
    assert tidy.docker("logs", "--tail", "1", "talks").stderr == "e\n"
    assert re.match(r"\d{4}-\d\d-\d\dT.*Z 1\n", tidy.docker("logs", "-t", "talks").stdout)


def test_logs_follow(tidy):
    tidy.docker("run", "-d", "--name", "talks", "busybox", "sh", "-c", "echo one; sleep 1; echo two; sleep 1")
    follower = subprocess.Popen(docker_argv(tidy, "logs", "-f", "talks"), env=tidy.env(), stdout=subprocess.PIPE, text=True)
    assert follower.stdout.readline() == "one\n"
    assert follower.stdout.readline() == "two\n"
    assert follower.communicate(timeout=20)[0] == "" and follower.returncode == 0


def test_a_killed_follower_leaves_no_thread(tidy):
    tidy.docker("run", "-d", "--name", "talks", "busybox", "sleep", "1000")
    def threads():
        return len(os.listdir(f"/proc/{tidy.process.pid}/task"))
    before = threads()
    followers = [subprocess.Popen(docker_argv(tidy, "logs", "-f", "talks"), env=tidy.env(), stdout=subprocess.DEVNULL)
                 for _ in range(5)]
    time.sleep(1)
    for follower in followers:
        follower.kill()
        follower.wait()
    wait_for(lambda: threads() <= before + 1, 15, "threads of followers gone")


def test_exec(tidy):
    tidy.docker("run", "-d", "--name", "host", "busybox", "sleep", "1000")
    done = tidy.docker("exec", "-e", "A=1", "-w", "/tmp", "host", "sh", "-c", "echo $A $PWD; echo err >&2; exit 9", check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("1 /tmp\n", "err\n", 9)
    assert tidy.docker("exec", "-i", "host", "cat", input="in\n").stdout == "in\n"
    assert tidy.docker("exec", "host", "nonexistent", check=False).returncode == 127
    assert tidy.docker("exec", "-d", "host", "touch", "/made").returncode == 0
    wait_for(lambda: tidy.docker("exec", "host", "ls", "/made", check=False).returncode == 0)
    tidy.docker("stop", "-t", "0", "host")
    assert "is not running" in tidy.docker("exec", "host", "true", check=False).stderr


def test_events_and_stats(tidy):
    since = str(int(time.time()))
    tidy.docker("run", "--rm", "--name", "noted", "busybox", "true")
    events = tidy.docker("events", "--since", since, "--until", str(int(time.time()) + 1),
                         "--filter", "container=noted", "--format", "{{.Action}}").stdout.split()
    for action in ("create", "start", "die", "destroy"):
        assert action in events, events
    tidy.docker("run", "-d", "--name", "measured", "busybox", "sleep", "100")
    assert "measured" in tidy.docker("stats", "--no-stream", "measured").stdout


def test_volumes(tidy):
    tidy.docker("volume", "create", "--label", "a=b", "kept")
    run(tidy, "-v", "kept:/data", "busybox", "sh", "-c", "echo x > /data/f")
    assert run(tidy, "-v", "kept:/data:ro", "busybox", "cat", "/data/f").stdout == "x\n"
    assert "kept" in tidy.docker("volume", "ls", "-q").stdout
    assert json.loads(tidy.docker("volume", "inspect", "kept").stdout)[0]["Labels"] == {"a": "b"}
    tidy.docker("volume", "rm", "kept")


def test_published_port(tidy):
    tidy.docker("run", "-d", "--name", "web", "-p", "127.0.0.1::80", "busybox", "sh", "-c",
                "mkdir /www; echo page > /www/index.html; exec httpd -f -p 80 -h /www")
    address = tidy.docker("port", "web", "80").stdout.strip()
    assert address in tidy.docker("ps").stdout
    def page():
        done = subprocess.run(["curl", "-s", "-m", "2", f"http://{address}/"], capture_output=True, text=True)
        return done.stdout == "page\n"
    wait_for(page, what=f"a page from {address}")
    assert "bridge" in tidy.docker("network", "ls").stdout


# On a terminal.

def test_interactive_shell(tidy):
    with Terminal(docker_argv(tidy, "run", "-it", "--rm", "busybox", "sh"), tidy.env(), 33, 101) as t:
        t.expect("/ # ")
        t.type("stty size; tty\r")
        t.expect("33 101")
        t.resize(40, 120)
        def resized():
            t.type("stty size\r")
            t.expect("stty size\r\n")
            return "40 120" in t.expect("# ")
        wait_for(resized, what="the new size of the terminal")
        t.type("exit 3\r")
        assert t.wait() == 3


def test_interrupt_reaches_the_container(tidy):
    with Terminal(docker_argv(tidy, "run", "-it", "--rm", "busybox", "sh", "-c",
                              "trap 'echo caught; exit 4' INT; echo ready; while :; do sleep 0.1; done"), tidy.env()) as t:
        t.expect("ready")
        t.type(b"\x03")
        t.expect("caught")
        assert t.wait() == 4


def test_signals_are_proxied(tidy):
    process = subprocess.Popen(docker_argv(tidy, "run", "--rm", "--name", "proxied", "busybox", "sh", "-c",
                               "trap 'echo got; exit 6' TERM; echo ready; while :; do sleep 0.1; done"),
                               env=tidy.env(), stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20)[0] == "got\n" and process.returncode == 6


def test_detach_and_attach_again(tidy):
    with Terminal(docker_argv(tidy, "run", "-it", "--name", "stays", "busybox", "sh"), tidy.env()) as t:
        t.expect("/ # ")
        t.type("X=kept\r")
        t.expect("# ")
        t.type(b"\x10\x11")
        assert t.wait() == 0
    assert "stays" in tidy.docker("ps").stdout
    with Terminal(docker_argv(tidy, "attach", "stays"), tidy.env()) as t:
        t.type("echo still $X\r")
        t.expect("still kept")
        t.type("exit\r")
        assert t.wait() == 0


def test_exec_on_a_terminal(tidy):
    tidy.docker("run", "-d", "--name", "host", "busybox", "sleep", "1000")
    with Terminal(docker_argv(tidy, "exec", "-it", "host", "sh"), tidy.env()) as t:
        t.expect("/ # ")
        t.type("echo $((6*7)); exit 2\r")
        t.expect("42")
        assert t.wait() == 2
