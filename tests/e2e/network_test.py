"""The default bridge: published ports from everywhere they should be reachable, and only from there."""
import socket
import subprocess

import pytest
from conftest import wait_for

SERVER = "while :; do echo served | nc -l -p 80; done"
# busybox serves no UDP; the host's own Python does, mounted into the container.
HOST_USERLAND = ["-v", "/usr:/usr:ro", "-v", "/lib:/lib:ro", "-v", "/lib64:/lib64:ro"]
UDP_ECHO = ("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('', 53))\n"
            "while True:\n    data, peer = s.recvfrom(100)\n    s.sendto(data, peer)\n")


def ask(address, port, timeout=2):
    try:
        with socket.create_connection((address, port), timeout=timeout) as client:
            return client.makefile().read()
    except OSError:
        return ""


@pytest.fixture(scope="module")
def outside(engine):
    """A host on another wire: a namespace joined to this machine by a veth pair."""
    name = f"out{engine.bridge[3:]}"
    def ip(*args):
        subprocess.run(["ip", *args], check=True)
    ip("netns", "add", name)
    try:
        ip("link", "add", f"{name}h", "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("addr", "add", "198.51.100.1/24", "dev", f"{name}h")
        ip("link", "set", f"{name}h", "up")
        ip("-n", name, "addr", "add", "198.51.100.2/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        yield name
    finally:
        subprocess.run(["ip", "link", "delete", f"{name}h"])
        subprocess.run(["ip", "netns", "delete", name])


def ask_from(namespace, address, port):
    script = ("import socket\n"
              f"try: print(socket.create_connection(('{address}', {port}), timeout=2).makefile().read(), end='')\n"
              "except OSError: pass")
    return subprocess.run(["ip", "netns", "exec", namespace, "python3", "-c", script],
                          capture_output=True, text=True).stdout


def test_published_tcp_port(engine, outside):
    engine.brig("run", "-d", "--name", "srv", "-p", "38082:80", "busybox", "sh", "-c", SERVER)
    address = engine.brig("inspect", "--format", "{{.NetworkSettings.IPAddress}}", "srv").stdout.strip()
    gateway = engine.brig("inspect", "--format", "{{.NetworkSettings.Gateway}}", "srv").stdout.strip()
    wait_for(lambda: ask(address, 80) == "served\n", 5, "the server by its own address")
    wait_for(lambda: ask("127.0.0.1", 38082) == "served\n", 5, "through 127.0.0.1")
    wait_for(lambda: ask(gateway, 38082) == "served\n", 5, "through the host's address")
    wait_for(lambda: ask_from(outside, "198.51.100.1", 38082) == "served\n", 5, "from outside")
    assert "0.0.0.0:38082->80/tcp" in engine.brig("ps", "--format", "{{.Ports}}").stdout
    assert "38082" in engine.brig("port", "srv").stdout
    # A container reaches it through the host's address too.
    wait_for(lambda: engine.brig("run", "--rm", "busybox", "nc", gateway, "38082", check=False).stdout == "served\n",
             10, "from another container")
    engine.brig("rm", "-f", "srv")
    assert ask("127.0.0.1", 38082) == ""


@pytest.mark.parametrize("option", [["--ip", "172.30.0.77"], ["--ip6", "fd00::77"],
                                    ["--net", "host", "--ip", "172.30.0.77"]], ids=["v4", "v6", "host"])
def test_addresses_of_ones_choice_are_for_networks_of_ones_own(engine, option):
    """In docker's words: neither ignored nor given from a pool that others draw from."""
    refused = engine.brig("create", *option, "busybox", "true", check=False)
    assert refused.returncode == 125 or refused.returncode == 1
    assert "user specified IP address is supported on user defined networks only" in refused.stderr


def test_port_published_on_loopback_stays_there(engine, outside):
    engine.brig("run", "-d", "--name", "loc", "-p", "127.0.0.1:38083:80", "busybox", "sh", "-c", SERVER)
    wait_for(lambda: ask("127.0.0.1", 38083) == "served\n", 5, "through 127.0.0.1")
    assert ask_from(outside, "198.51.100.1", 38083) == ""
    engine.brig("rm", "-f", "loc")


def test_published_udp_port(engine):
    engine.brig("run", "-d", "--name", "udp", "-p", "38084:53/udp", *HOST_USERLAND, "busybox",
                "/usr/bin/python3", "-c", UDP_ECHO)

    def echo():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.5)
            client.connect(("127.0.0.1", 38084))
            try:
                client.send(b"ping")
                return client.recv(100)
            except OSError:
                return b""
    assert wait_for(echo, 10, "an echo") == b"ping"
    engine.brig("rm", "-f", "udp")


def test_ephemeral_port_and_publish_all(engine):
    engine.brig("run", "-d", "--name", "any", "-p", "127.0.0.1::80", "busybox", "sh", "-c", SERVER)
    port = int(engine.brig("port", "any", "80").stdout.strip().rsplit(":", 1)[1])
    wait_for(lambda: ask("127.0.0.1", port) == "served\n", 5, "the ephemeral port")
    engine.brig("rm", "-f", "any")


def test_resolver_and_names_inside(engine):
    hosts = engine.brig("run", "--rm", "-h", "mine", "--add-host", "db:10.9.8.7", "busybox", "cat", "/etc/hosts").stdout
    assert "mine" in hosts and "10.9.8.7\tdb" in hosts
    assert "nameserver" in engine.brig("run", "--rm", "busybox", "cat", "/etc/resolv.conf").stdout


def test_container_reaches_out_through_the_host(engine, outside):
    server = subprocess.Popen(["ip", "netns", "exec", outside, "python3", "-c",
                               "import socket\ns=socket.create_server(('198.51.100.2', 7777))\n"
                               "c,peer=s.accept()\nc.sendall(peer[0].encode()+b'\\n')"])
    try:
        # The far side has no route back to the bridge, so an answer proves the masquerade.
        seen = wait_for(lambda: engine.brig("run", "--rm", "busybox", "nc", "198.51.100.2", "7777", check=False).stdout,
                        10, "an answer")
        assert seen == "198.51.100.1\n"
    finally:
        server.kill()
        server.wait()


def test_traffic_is_counted(engine):
    engine.brig("run", "-d", "--name", "talks", "busybox", "sleep", "1000")
    gateway = engine.brig("inspect", "--format", "{{.NetworkSettings.Gateway}}", "talks").stdout.strip()
    engine.brig("exec", "talks", "ping", "-c", "3", "-i", "0.1", "-s", "1400", gateway)
    shown = engine.brig("stats", "--no-stream", "--format", "{{.NetIO}}", "talks").stdout
    received, sent = (part.strip() for part in shown.split("/"))
    assert received.endswith("kB") and sent.endswith("kB"), shown
    engine.brig("rm", "-f", "talks")
