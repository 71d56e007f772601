"""podman, buildah, docker and containerd with brig-runtime in runc's place: run, enter, stop, remove."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import bundle as bundles
from conftest import wait_for

RUNTIME = str(bundles.RUNTIME)


def run(command, check=True, timeout=120):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, text=True, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


@pytest.fixture
def tmp_path():
    """podman takes no --runroot of more than 50 characters."""
    with tempfile.TemporaryDirectory(prefix="brig-") as directory:
        yield pathlib.Path(directory)


@pytest.fixture
def image(tmp_path):
    return bundles.image_tar(tmp_path / "image.tar")


def skip_without(*programs):
    reason = bundles.need(*programs)
    if reason:
        pytest.skip(reason)


@contextlib.contextmanager
def daemon(command, log):
    """A daemon of our own for as long as the block lasts."""
    with open(log, "wb") as out:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def unmount_below(directory):
    """What a daemon leaves mounted when it ends; a temporary directory cannot be removed with it."""
    with open("/proc/self/mountinfo") as mounts:
        below = [line.split()[4] for line in mounts if line.split()[4].startswith(str(directory) + "/")]
    for path in reversed(below):
        subprocess.run(["umount", "-l", path], check=False)


def left_processes(directory):
    """Processes whose command line names `directory`."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                if str(directory).encode() in line:
                    found.append(line)
    return found


def life_of_a_container(client, run_options, name="box"):
    """The same for everything that looks like docker: run, fail, enter, stop, remove."""
    done = run([*client, "run", "--rm", *run_options, "img", "sh", "-c", "echo hello; exit 7"], check=False)
    assert (done.stdout, done.returncode) == ("hello\n", 7), done.stderr
    done = run([*client, "run", "--rm", *run_options, "img", "nosuch"], check=False)
    assert done.returncode == 127 and "executable file not found in $PATH" in done.stderr
    run([*client, "run", "-d", "--name", name, *run_options, "img", "sh", "-c",
         "trap 'exit 0' TERM; while :; do sleep 0.1; done"])
    assert run([*client, "exec", name, "echo", "inside"]).stdout == "inside\n"
    assert run([*client, "exec", name, "sh", "-c", "exit 5"], check=False).returncode == 5
    assert run([*client, "exec", "-t", name, "tty"]).stdout.startswith("/dev/pts/")
    assert "sleep" in run([*client, "top", name]).stdout
    run([*client, "pause", name])
    run([*client, "unpause", name])
    run([*client, "stop", "-t", "10", name])
    assert run([*client, "inspect", "--format", "{{.State.ExitCode}}", name]).stdout == "0\n"
    run([*client, "rm", name])


def test_podman(tmp_path, image):
    skip_without("podman", "conmon")
    client = ["podman", "--root", tmp_path / "root", "--runroot", tmp_path / "run", "--tmpdir", tmp_path / "tmp",
              "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none",
              "--runtime", RUNTIME]
    try:
        run([*client, "import", image, "img"])
        # --ulimit host: podman would raise limits, which not every host lets even root do.
        life_of_a_container(client, ["--network", "none", "--ulimit", "host"])
        assert run([*client, "ps", "-aq"]).stdout == ""
    finally:
        run([*client, "rm", "-fa", "-t", "0"], check=False)
        unmount_below(tmp_path)
    wait_for(lambda: not left_processes(tmp_path), what="the end of every process")


def test_podman_pod(tmp_path, image):
    """Two containers that share namespaces by path."""
    skip_without("podman", "conmon")
    client = ["podman", "--root", tmp_path / "root", "--runroot", tmp_path / "run", "--tmpdir", tmp_path / "tmp",
              "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none",
              "--runtime", RUNTIME]
    options = ["--network", "none", "--ulimit", "host"]
    try:
        run([*client, "import", image, "img"])
        run([*client, "run", "-d", "--name", "one", "--ipc", "shareable", *options, "img", "sleep", "100"])
        run([*client, "run", "-d", "--name", "two", "--pid", "container:one", "--ipc", "container:one",
             "--ulimit", "host", "--network", "container:one", "img", "sleep", "200"])
        seen = run([*client, "exec", "two", "sh", "-c", "cat /proc/*/cmdline"]).stdout.replace("\0", " ")
        assert "sleep 100" in seen and "sleep 200" in seen
    finally:
        run([*client, "rm", "-fa", "-t", "0"], check=False)
        unmount_below(tmp_path)


def test_buildah(tmp_path, image):
    skip_without("buildah")
    client = ["buildah", "--root", tmp_path / "root", "--runroot", tmp_path / "run", "--storage-driver", "vfs"]
    shutil.copy(image, tmp_path / "context.tar")
    try:
        container = run([*client, "from", "scratch"]).stdout.strip()
        run([*client, "add", container, image, "/"])
        options = ["--isolation", "oci", "--runtime", RUNTIME, "--network", "none"]
        done = run([*client, "run", *options, container, "sh", "-c", "echo built > /made; cat /made"])
        assert done.stdout == "built\n"
        done = run([*client, "run", *options, container, "sh", "-c", "cat /made; exit 3"], check=False)
        assert (done.stdout, done.returncode) == ("built\n", 3)
    finally:
        run([*client, "rm", "-a"], check=False)
        unmount_below(tmp_path)


def test_docker(tmp_path, image):
    skip_without("dockerd", "docker", "containerd")
    host = f"unix://{tmp_path}/docker.sock"
    client = ["docker", "-H", host]
    command = ["dockerd", "--data-root", tmp_path / "data", "--exec-root", tmp_path / "exec", "-H", host,
               "-p", tmp_path / "pid", "--bridge", "none", "--iptables=false", "--ip-masq=false",
               "--storage-driver", "vfs", "--add-runtime", f"brig={RUNTIME}"]
    try:
        with daemon(command, tmp_path / "log"):
            ready = lambda: run([*client, "version"], check=False).returncode == 0
            try:
                wait_for(ready, 30, "dockerd answering")
            except AssertionError:
                pytest.skip(f"dockerd does not run here: {(tmp_path / 'log').read_text()[-300:]}")
            run([*client, "import", image, "img"])
            life_of_a_container(client, ["--network", "none", "--runtime", "brig"])
            run([*client, "run", "-d", "--name", "limited", "--network", "none", "--runtime", "brig", "img",
                 "sleep", "100"])
            run([*client, "update", "--pids-limit", "7", "limited"])
            run([*client, "rm", "-f", "limited"])
    finally:
        unmount_below(tmp_path)


def test_containerd(tmp_path, image):
    skip_without("containerd", "ctr", "containerd-shim-runc-v2")
    address = tmp_path / "c.sock"
    (tmp_path / "config.toml").write_text(
        f'version = 2\nroot = "{tmp_path}/root"\nstate = "{tmp_path}/state"\n'
        f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{address}"\n'
        f'[ttrpc]\naddress = "{address}.ttrpc"\n')
    client = ["ctr", "-a", address]
    rootfs = tmp_path / "rootfs"
    rootfs.mkdir()
    run(["tar", "-C", rootfs, "-xf", image])
    options = ["--rootfs", "--runc-binary", RUNTIME]
    try:
        with daemon(["containerd", "-c", tmp_path / "config.toml"], tmp_path / "log"):
            wait_for(lambda: run([*client, "version"], check=False).returncode == 0, 30, "containerd answering")
            done = run([*client, "run", "--rm", *options, rootfs, "one", "sh", "-c", "echo hello; exit 7"], check=False)
            assert (done.stdout, done.returncode) == ("hello\n", 7), done.stderr
            run([*client, "run", "-d", *options, rootfs, "two", "sleep", "100"])
            assert run([*client, "task", "exec", "--exec-id", "e", "two", "echo", "inside"]).stdout == "inside\n"
            run([*client, "task", "pause", "two"])
            run([*client, "task", "resume", "two"])
            run([*client, "task", "kill", "-s", "KILL", "two"])
            stopped = lambda: "STOPPED" in run([*client, "task", "ls"]).stdout
            wait_for(stopped, what="the end of the task")
            run([*client, "task", "rm", "two"], check=False)  # exits with the task's own status
            run([*client, "container", "rm", "two"])
            assert run([*client, "container", "ls", "-q"]).stdout == ""
    finally:
        unmount_below(tmp_path)
