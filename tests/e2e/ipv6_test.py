"""IPv6 on the default network, which the engine has to be told to have; and SIGHUP, which renews the network."""
import json
import os
import pathlib
import signal
import socket
import subprocess

import pytest
from conftest import Engine, leftovers, wait_for

SUBNET = "fd00:6272:6967"
SERVER = "while :; do echo served | nc -l -p 80; done"

pytestmark = pytest.mark.skipif(not pathlib.Path("/proc/sys/net/ipv6").exists(), reason="this kernel has no IPv6")


@pytest.fixture(scope="module")
def engine(workspace):
    made = Engine(workspace / "ipv6", "--ipv6", "--fixed-cidr-v6", f"{SUBNET}::/64")
    try:
        made.start()
        made.brig("image", "bootstrap", "busybox")
        yield made
        made.remove_everything()
        wait_for(lambda: not leftovers(made), 5, "clean host")
        made.stop()
        tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout
        assert made.table not in tables
    finally:
        made.close()


def ask(address, port):
    try:
        with socket.create_connection((address, port), timeout=2) as client:
            return client.makefile().read()
    except OSError:
        return ""


def settings(engine, name):
    return json.loads(engine.brig("inspect", name).stdout)[0]["NetworkSettings"]


def test_addresses_and_routes(engine):
    engine.brig("run", "-d", "--name", "one", "busybox", "sleep", "1000")
    one = settings(engine, "one")
    assert one["GlobalIPv6Address"].startswith(f"{SUBNET}::") and one["GlobalIPv6PrefixLen"] == 64
    assert one["IPv6Gateway"] == one["Networks"]["bridge"]["IPv6Gateway"] == f"{SUBNET}::1"
    # Of use at once: no check for duplicates is on its way when the program begins.
    shown = engine.brig("run", "--rm", "busybox", "sh", "-c",
                        f"ip -6 addr show dev eth0; ping -6 -c 1 -W 2 {one['GlobalIPv6Address']}; cat /etc/hosts").stdout
    assert f"inet6 {SUBNET}::" in shown and "tentative" not in shown.split("scope link")[0]
    assert "1 packets received" in shown
    assert [line for line in shown.splitlines() if line.startswith(f"{SUBNET}::")], "its own name in /etc/hosts"
    network = json.loads(engine.brig("network", "inspect", "bridge").stdout)[0]
    assert network["EnableIPv6"] and network["IPAM"]["Config"][1] == {"Subnet": f"{SUBNET}::/64",
                                                                     "Gateway": f"{SUBNET}::1"}
    engine.brig("rm", "-f", "one")


def test_published_on_both_families(engine):
    engine.brig("run", "-d", "--name", "srv", "-p", "38361:80", "busybox", "sh", "-c", SERVER)
    address = settings(engine, "srv")["GlobalIPv6Address"]
    for host in (address, ):
        wait_for(lambda: ask(host, 80) == "served\n", 5, "by its own address")
    for host in ("127.0.0.1", "::1", f"{SUBNET}::1"):
        wait_for(lambda: ask(host, 38361) == "served\n", 5, f"through {host}")
    assert engine.brig("port", "srv", "80").stdout.split() == ["0.0.0.0:38361", "[::]:38361"]
    assert "0.0.0.0:38361->80/tcp, [::]:38361->80/tcp" in engine.brig("ps", "--format", "{{.Ports}}").stdout
    # And again after the engine's death.
    engine.kill9()
    engine.start()
    for host in ("127.0.0.1", "::1", f"{SUBNET}::1"):
        wait_for(lambda: ask(host, 38361) == "served\n", 5, f"through {host} with the next engine")
    engine.brig("rm", "-f", "srv")
    assert ask("::1", 38361) == ""


def test_one_family(engine):
    engine.brig("run", "-d", "--name", "six", "-p", "[::]:38362:80", "busybox", "sh", "-c", SERVER)
    wait_for(lambda: ask("::1", 38362) == "served\n", 5, "through ::1")
    assert ask("127.0.0.1", 38362) == ""
    engine.brig("rm", "-f", "six")


def test_sighup_puts_the_rules_back(engine):
    engine.brig("run", "-d", "--name", "srv", "-p", "38363:80", "busybox", "sh", "-c", SERVER)
    wait_for(lambda: ask("127.0.0.1", 38363) == "served\n", 5, "the published port")
    for family in ("ip", "ip6"):
        subprocess.run(["nft", "flush", "table", family, engine.table], check=True)
    assert ask("127.0.0.1", 38363) == ""
    os.kill(engine.process.pid, signal.SIGHUP)
    wait_for(lambda: ask("127.0.0.1", 38363) == "served\n", 5, "the published port again")
    wait_for(lambda: ask(f"{SUBNET}::1", 38363) == "served\n", 5, "and on IPv6")
    engine.brig("rm", "-f", "srv")
