"""What is used of the disk and how it is given back: system df, system prune, image prune, images --tree, with
brig and with docker's own client."""
import json
import re
import time
import urllib.parse

import pytest

from conftest import docker_client
from made_images import MadeImage
from store_check import Store

needs_docker = pytest.mark.skipif(not docker_client(), reason="needs the docker client")


@pytest.fixture
def shared(tidy, tmp_path):
    """Two images that have two layers of three in common; the upper ones made by commit."""
    base = MadeImage(11, "prune/base:1", layers=2)
    tidy.brig("load", "-i", base.write(tmp_path / "base.tar"))
    for number in (1, 2):
        (tmp_path / "own").write_bytes(bytes([number]) * 100_000)
        tidy.brig("create", "--name", f"maker{number}", "prune/base:1")
        tidy.brig("cp", tmp_path / "own", f"maker{number}:/own")
        tidy.brig("commit", "-c", f"LABEL number={number}", f"maker{number}", f"prune/child:{number}")
        tidy.brig("rm", f"maker{number}")
    yield tidy
    tidy.remove_everything()
    tidy.brig("rmi", "-f", "prune/child:1", "prune/child:2", "prune/base:1", check=False)
    tidy.brig("image", "prune", "-f")


def names(engine):
    return set(engine.brig("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split())


def image_id(engine, name):
    return engine.brig("image", "inspect", "-f", "{{.Id}}", name).stdout.strip()


def sections(text):
    """The tables of df -v by their titles, each as a list of lines split at wide gaps."""
    found, current = {}, None
    for line in text.splitlines():
        if re.fullmatch(r".* usage:.*", line):
            current = found.setdefault(line.split(" usage:")[0], [])
        elif line.strip() and current is not None:
            current.append(re.split(r"\s{2,}", line.strip()))
    return found


def check_df(text):
    tables = sections(text)
    assert set(tables) == {"Images space", "Containers space", "Local Volumes space", "Build cache"}
    assert tables["Images space"][0] == ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE",
                                         "UNIQUE SIZE", "CONTAINERS"]
    rows = {f"{row[0]}:{row[1]}": row for row in tables["Images space"][1:]}
    assert rows["prune/child:1"][-2] == "100kB" and rows["prune/child:1"][-1] == "1"
    assert rows["prune/base:1"][-2] == "0B" and rows["prune/base:1"][-4][:3] == rows["prune/base:1"][-3][:3]
    assert rows["busybox:latest"][-3] == "0B"
    assert tables["Containers space"][0] == ["CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED",
                                             "STATUS", "NAMES"]
    assert [row[-1] for row in tables["Containers space"][1:]] == ["user"]
    assert tables["Local Volumes space"][0] == ["VOLUME NAME", "LINKS", "SIZE"]
    assert [row[:2] for row in tables["Local Volumes space"][1:]] == [["dfvolume", "1"]]


@pytest.fixture
def used(shared):
    shared.brig("volume", "create", "dfvolume")
    shared.brig("create", "--name", "user", "-v", "dfvolume:/data", "-v", "dfvolume:/again", "prune/child:1")
    yield shared
    shared.brig("rm", "-f", "user", check=False)
    shared.brig("volume", "rm", "dfvolume", check=False)


def test_df_in_full(used):
    check_df(used.brig("system", "df", "-v").stdout)
    told = json.loads(used.brig("system", "df", "-v", "--format", "{{json .}}").stdout)
    assert {"Images", "Containers", "Volumes", "BuildCache"} == set(told)
    line = used.brig("images", "--format", "{{.Size}} {{.SharedSize}} {{.UniqueSize}}", "prune/child:1").stdout.split()
    assert line[2] == "100kB" and line[0] != line[1] != line[2]
    assert used.brig("images", "--format", "{{.Tag}}", "prune/child:1").stdout == "1\n"


@needs_docker
def test_df_by_docker(used):
    check_df(used.docker("system", "df", "-v").stdout)
    total = used.docker("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}}").stdout.splitlines()
    assert total[0].startswith("Images 4 1") and total[1] == "Containers 1 0" and total[2].startswith("Local Volumes 1")


def test_a_tree_of_images(shared):
    lines = shared.brig("images", "--tree").stdout.splitlines()
    assert re.split(r"\s{2,}", lines[0].strip()) == ["IMAGE", "IMAGE ID", "PARENT", "CREATED", "SIZE", "UNIQUE SIZE"]
    base = image_id(shared, "prune/base:1")[7:19]
    at = next(number for number, line in enumerate(lines) if line.startswith("prune/base:1"))
    assert lines[at].split()[1] == base
    children = lines[at + 1:at + 3]
    assert [child[:3] for child in children] == ["├─ ", "└─ "]
    assert {child.split()[1] for child in children} == {"prune/child:1", "prune/child:2"}
    assert all(child.split()[3] == base and child.split()[-1] == "100kB" for child in children)


def test_only_what_matches_is_pruned(shared):
    refused = shared.brig("image", "prune", "-af", "--filter", "color=red", check=False)
    assert refused.returncode == 1 and "invalid filter 'color'" in refused.stderr
    for nonsense in ("dangling=maybe", "dangling=true"):  # -a says the contrary of the latter
        refused = shared.brig("image", "prune", "-af", "--filter", nonsense, check=False)
        assert refused.returncode == 1 and "invalid filter 'dangling=[" in refused.stderr
    assert "prune/base:1" in names(shared)
    for nonsense in ("until=soon", "until=10 fortnights"):
        refused = shared.brig("image", "prune", "-af", "--filter", nonsense, check=False)
        assert refused.returncode == 1 and "until" in refused.stderr
        refused = shared.brig("container", "prune", "-f", "--filter", nonsense, check=False)
        assert refused.returncode == 1 and "until" in refused.stderr
    shared.brig("image", "prune", "-af", "--filter", "until=1h", "--filter", "label=number")
    assert {"prune/child:1", "prune/child:2", "busybox:latest"} <= names(shared)
    shared.brig("image", "prune", "-af", "--filter", "label=number=2", "--filter", "label!=other")
    assert "prune/child:2" not in names(shared) and "prune/child:1" in names(shared)
    shared.brig("image", "prune", "-af", "--filter", "label=number", "--filter", "label!=number=2")
    assert "prune/child:1" not in names(shared) and "prune/base:1" in names(shared)


def test_containers_until(shared):
    shared.brig("create", "--name", "young", "busybox")
    shared.brig("container", "prune", "-f", "--filter", "until=10m")
    assert "young" in shared.brig("ps", "-a").stdout
    time.sleep(1.1)
    shared.brig("container", "prune", "-f", "--filter", "until=1s")
    assert "young" not in shared.brig("ps", "-a").stdout


def populate(engine, tmp_path):
    engine.brig("create", "--name", "stopped", "-v", "/anonymous", "prune/child:1")
    engine.brig("volume", "create", "named")
    made = MadeImage(12, "prune/dangling:1")
    engine.brig("load", "-i", made.write(tmp_path / "dangling.tar"))
    engine.brig("tag", "busybox", "prune/dangling:1")
    return made.id


def prune_and_check(engine, command, tmp_path):
    dangling = populate(engine, tmp_path)
    done = command("system", "prune", "-f").stdout
    assert "Deleted Containers:" in done and "Total reclaimed space: " in done
    assert f"deleted: {dangling}" in done and "Deleted Volumes" not in done
    assert "Total reclaimed space: 0B" not in done
    assert {"prune/child:1", "prune/child:2"} <= names(engine)
    volumes = engine.brig("volume", "ls", "-q").stdout.split()
    assert "named" in volumes and len(volumes) == 2
    done = command("system", "prune", "-f", "--volumes").stdout
    assert "Deleted Volumes:" in done and engine.brig("volume", "ls", "-q").stdout.split() == ["named"]
    assert not engine.brig("ps", "-aq").stdout
    engine.brig("create", "--name", "keeps", "busybox", "sleep", "1000")
    done = command("system", "prune", "-af", "--filter", "label=number").stdout
    assert "untagged: prune/child:1" in done and "prune/base:1" in names(engine)
    assert "keeps" in engine.brig("ps", "-a").stdout
    engine.brig("start", "keeps")
    done = command("system", "prune", "-af").stdout
    assert "untagged: prune/base:1" in done and "busybox:latest" in names(engine)
    engine.brig("rm", "-f", "keeps")
    engine.brig("volume", "rm", "named")
    store = Store(engine.root)
    assert not store.problems() and not store.rubbish()


def test_system_prune(shared, tmp_path):
    asked = shared.brig("system", "prune", "--volumes", "--filter", "label=x", input="n\n").stdout
    for line in ("all stopped containers", "all networks not used", "all anonymous volumes", "all dangling images",
                 "unused build cache", "label=x", "Are you sure you want to continue? [y/N]"):
        assert line in asked
    assert "Total reclaimed" not in asked
    refused = shared.brig("system", "prune", "-f", "--volumes", "--filter", "until=1h", check=False)
    assert refused.returncode == 1 and 'not supported with "--volumes"' in refused.stderr
    prune_and_check(shared, shared.brig, tmp_path)


@needs_docker
def test_system_prune_by_docker(shared, tmp_path):
    prune_and_check(shared, shared.docker, tmp_path)


@needs_docker
def test_a_part_of_df(shared):
    import http.client
    import socket

    def get(path):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(shared.run_dir / "brig.sock"))
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())

    status, told = get("/system/df?type=image&type=volume")
    assert status == 200 and set(told) == {"LayersSize", "Images", "Volumes"}
    assert get("/system/df?type=bottle")[0] == 400
    status, listed = get("/images/json?shared-size=1&filters=" +
                         urllib.parse.quote(json.dumps({"label!": ["number=1"]})))
    by_name = {(image["RepoTags"] or [""])[0]: image for image in listed}
    assert "prune/child:1" not in by_name and by_name["prune/child:2"]["SharedSize"] > 0
