"""Health checks from flags and from Dockerfiles, through restarts of the engine."""
import json
import time

from conftest import docker_client, wait_for


def health(engine, name):
    return json.loads(engine.brig("inspect", "--format", "{{json .State}}", name).stdout).get("Health")


def becomes(engine, name, status):
    wait_for(lambda: health(engine, name)["Status"] == status, 15, f"{name} {status}")


def test_flags(tidy):
    for tool in [tidy.brig] + ([tidy.docker] if docker_client() else []):
        tool("run", "-d", "--name", "web", "--health-cmd", "cat /ok", "--health-interval", "200ms",
             "--health-retries", "2", "--health-timeout", "10s", "busybox", "sh", "-c", "sleep 1; touch /ok; sleep 1000")
        assert "(health: starting)" in tidy.brig("ps", "--format", "{{.Status}}").stdout
        becomes(tidy, "web", "healthy")
        assert "(healthy)" in tool("ps").stdout
        assert tidy.brig("ps", "-q", "--filter", "health=healthy").stdout
        tidy.brig("exec", "web", "rm", "/ok")
        becomes(tidy, "web", "unhealthy")
        found = health(tidy, "web")
        assert found["FailingStreak"] >= 2
        assert "No such file" in found["Log"][-1]["Output"] and found["Log"][-1]["ExitCode"] == 1
        tidy.brig("rm", "-f", "web")


def test_probes_that_hang_are_killed(tidy):
    tidy.brig("run", "-d", "--name", "web", "--health-cmd", "sleep 100", "--health-interval", "100ms",
              "--health-retries", "1", "--health-timeout", "300ms", "busybox", "sleep", "1000")
    becomes(tidy, "web", "unhealthy")
    log = health(tidy, "web")["Log"]
    assert log[-1]["ExitCode"] == -1 and "exceeded timeout" in log[-1]["Output"]
    wait_for(lambda: tidy.brig("top", "web").stdout.count("sleep 100\n") <= 1, 5, "old probes gone")


def test_dockerfile_and_its_denial(tidy, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nHEALTHCHECK --interval=200ms CMD true\nCMD sleep 1000\n")
    tidy.brig("build", "-t", "checked", tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM checked\nHEALTHCHECK NONE\n")
    tidy.brig("build", "-t", "unchecked", tmp_path)
    tidy.brig("run", "-d", "--name", "yes", "checked")
    tidy.brig("run", "-d", "--name", "no", "--no-healthcheck", "checked")
    tidy.brig("run", "-d", "--name", "none", "unchecked")
    becomes(tidy, "yes", "healthy")
    assert health(tidy, "no") is None and health(tidy, "none") is None
    events = tidy.brig("events", "--since", "1m", "--until", "0s", "--filter", "container=yes", check=False).stdout
    assert "health_status: healthy" in events
    tidy.stop()
    tidy.start()
    assert health(tidy, "yes")["Status"] == "healthy"
    last = health(tidy, "yes")["Log"]
    wait_for(lambda: health(tidy, "yes")["Log"] != last, 10, "probing goes on under the next engine")
    tidy.brig("rm", "-f", "yes", "no", "none")
    tidy.brig("rmi", "unchecked", "checked")
