"""Images and builds: load, save, import, tag, rmi, history, Dockerfiles and their cache."""
import json
import tarfile
import urllib.request

import pytest
from conftest import SOURCE, wait_for


def build(engine, directory, *args, **options):
    return engine.brig("build", *args, str(directory), **options)


@pytest.fixture
def context(tmp_path):
    def write(dockerfile, **files):
        (tmp_path / "Dockerfile").write_text(dockerfile)
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path
    return write


def test_every_instruction_of_the_slice(tidy, context):
    directory = context("""\
ARG BASE=busybox
FROM $BASE
ARG GREETING=hello
ENV WORD=${GREETING} OTHER="two words"
LABEL org.example.a="1" org.example.b=2
WORKDIR /srv/app
COPY page .
ADD archive.tar /unpacked/
RUN echo "$WORD" > said && id -u > uid
USER 1000
RUN ["/bin/sh", "-c", "id -u"]
EXPOSE 8080/tcp
VOLUME /data
STOPSIGNAL SIGINT
SHELL ["/bin/sh", "-ec"]
ENTRYPOINT ["cat"]
CMD ["said"]
""", page="a page\n")
    (directory / "inside").write_text("from the archive\n")
    with tarfile.open(directory / "archive.tar", "w") as archive:
        archive.add(directory / "inside", "inside")
    done = build(tidy, directory, "-t", "all:1", "--build-arg", "GREETING=moin")
    assert "Step 1/" in done.stdout and "Successfully tagged all:1" in done.stdout
    assert tidy.brig("run", "--rm", "all:1").stdout == "moin\n"
    assert tidy.brig("run", "--rm", "all:1", "/unpacked/inside", "page", "uid").stdout == "from the archive\na page\n0\n"
    config = json.loads(tidy.brig("image", "inspect", "all:1").stdout)[0]["Config"]
    assert config["Labels"] == {"org.example.a": "1", "org.example.b": "2"}
    assert "WORD=moin" in config["Env"] and "OTHER=two words" in config["Env"]
    assert config["User"] == "1000" and config["StopSignal"] == "SIGINT" and config["WorkingDir"] == "/srv/app"
    assert list(config["ExposedPorts"]) == ["8080/tcp"] and list(config["Volumes"]) == ["/data"]
    assert "COPY" in tidy.brig("history", "--no-trunc", "all:1").stdout


def test_cache_hits_and_misses(tidy, context):
    directory = context("FROM busybox\nRUN echo first > /first\nCOPY file /file\nRUN echo second > /second\n", file="1")
    cold = build(tidy, directory, "-t", "cached").stdout
    warm = build(tidy, directory, "-t", "cached").stdout
    assert "Using cache" not in cold and warm.count("Using cache") == 3
    assert warm.split("Successfully built ")[1] == cold.split("Successfully built ")[1]
    (directory / "file").write_text("2")
    assert build(tidy, directory, "-t", "cached").stdout.count("Using cache") == 1
    assert "Using cache" not in build(tidy, directory, "--no-cache", "-t", "cached").stdout


def test_dockerignore_keeps_files_out_of_context_and_cache(tidy, context):
    directory = context("FROM busybox\nCOPY . /ctx\nCMD [\"find\", \"/ctx\", \"-type\", \"f\"]\n",
                        keep="k", secret__key="s", note_md="n")
    (directory / ".dockerignore").write_text("secret\n*.md\nDockerfile\n.dockerignore\nnote_*\n")
    build(tidy, directory, "-t", "ignored")
    assert tidy.brig("run", "--rm", "ignored").stdout == "/ctx/keep\n"
    (directory / "secret" / "key").write_text("changed")
    assert "Using cache" in build(tidy, directory, "-t", "ignored").stdout


def test_from_scratch(tidy, context):
    directory = context("FROM scratch\nCOPY tool /tool\nENTRYPOINT [\"/tool\", \"echo\", \"bare\"]\n")
    (directory / "tool").write_bytes(open("/bin/busybox", "rb").read())
    (directory / "tool").chmod(0o755)
    (directory / "busybox").write_bytes(b"")
    build(tidy, directory, "-t", "bare")
    # busybox goes by the name it is called: /tool is not an applet, but "busybox" is.
    done = tidy.brig("run", "--rm", "--entrypoint", "/tool", "bare", "nonsense", check=False)
    assert "applet not found" in done.stderr


def test_save_and_load_keep_the_digest(tidy, tmp_path):
    before = tidy.brig("images", "--no-trunc", "-q", "busybox").stdout
    tidy.brig("save", "-o", tmp_path / "image.tar", "busybox")
    tidy.brig("tag", "busybox", "spare:1")
    tidy.brig("rmi", "busybox")
    assert tidy.brig("images", "-q", "busybox").stdout == ""
    tidy.brig("rmi", "spare:1")
    assert "Loaded image: busybox:latest" in tidy.brig("load", "-i", tmp_path / "image.tar").stdout
    assert tidy.brig("images", "--no-trunc", "-q", "busybox").stdout == before
    assert tidy.brig("run", "--rm", "busybox", "echo", "ok").stdout == "ok\n"


def test_import_with_changes(tidy, tmp_path):
    with tarfile.open(tmp_path / "root.tar", "w") as archive:
        archive.add("/bin/busybox", "bin/busybox")
        archive.add("/bin/busybox", "bin/echo")
    tidy.brig("import", "--change", 'CMD ["/bin/echo", "imported"]', tmp_path / "root.tar", "imp:1")
    assert tidy.brig("run", "--rm", "imp:1").stdout == "imported\n"
    tidy.brig("rmi", "imp:1")


def test_rmi_refuses_an_image_in_use(tidy, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nLABEL only=here\n")
    build(tidy, tmp_path, "-t", "used:1")
    tidy.brig("create", "--name", "user", "used:1")
    done = tidy.brig("rmi", "used:1", check=False)
    assert done.returncode == 1 and "conflict: unable to remove repository reference" in done.stderr
    tidy.brig("rm", "user")
    tidy.brig("rmi", "used:1")
    assert "No such image: used:1" in tidy.brig("rmi", "used:1", check=False).stderr


def test_the_example_serves_a_page(tidy):
    build(tidy, SOURCE / "examples/web", "-t", "web")
    tidy.brig("run", "-d", "--name", "web", "-p", "127.0.0.1:38081:8080", "web")
    address = tidy.brig("inspect", "--format", "{{.NetworkSettings.IPAddress}}", "web").stdout.strip()

    def page(url):
        try:
            return urllib.request.urlopen(url, timeout=2).read()
        except OSError:
            return None
    direct = wait_for(lambda: page(f"http://{address}:8080/"), 5, "the page by the container's address")
    assert wait_for(lambda: page("http://127.0.0.1:38081/"), 5, "the page by the published port") == direct


def test_shared_layers_count_once(tidy, context):
    def usage():
        return tidy.brig("system", "df", "--format", "{{.Type}} {{.Size}}").stdout.splitlines()[0]
    before = usage()
    build(tidy, context("FROM busybox\nLABEL derived=1\n"), "-t", "derived")
    assert usage() == before
    tidy.brig("rmi", "derived")
