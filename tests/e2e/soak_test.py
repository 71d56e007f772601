"""Many containers at once and many in a row leave nothing behind. `make test` runs small numbers,
`make soak` 200 and 1,000."""
import os
import pathlib
import time
from concurrent.futures import ThreadPoolExecutor

from conftest import BIN, container_cgroups, leftovers, wait_for

CONTAINERS = int(os.environ.get("BRIG_SOAK_CONTAINERS", "20"))
CYCLES = int(os.environ.get("BRIG_SOAK_CYCLES", "40"))


def memory_kb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])


def sanitized():
    """Whether this is a build whose allocator keeps what is freed, to look at it."""
    return b"__asan_init" in (BIN / "brigd").read_bytes()


def settled_memory_kb(engine):
    """Of brigd and brig-shim once they have given back what they kept at hand."""
    if not sanitized():
        time.sleep(12)
    return [memory_kb(pid) for pid in (engine.process.pid, *engine.shim_pids())]


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def host_state(engine):
    pids = [engine.process.pid, *engine.shim_pids()]
    return {"descriptors": [descriptors(pid) for pid in pids], "cgroups": len(container_cgroups())}


def test_many_at_once(engine):
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda _: engine.brig("run", "-d", "busybox", "sleep", "1000").stdout.strip(),
                            range(CONTAINERS)))
    assert len(engine.brig("ps", "-q").stdout.split()) == CONTAINERS
    addresses = engine.brig("inspect", "--format", "{{.NetworkSettings.IPAddress}}", *ids).stdout.split()
    assert len(set(addresses)) == CONTAINERS
    for chunk in range(0, CONTAINERS, 20):
        engine.brig("rm", "-f", *ids[chunk:chunk + 20])
    wait_for(lambda: not leftovers(engine), 20, f"nothing left behind ({leftovers(engine)})")


def test_many_in_a_row(engine):
    def cycle():
        done = engine.brig("run", "--rm", "busybox", "echo", "hi")
        assert done.stdout == "hi\n"

    for _ in range(max(10, CYCLES // 10)):
        cycle()
    wait_for(lambda: not leftovers(engine), 10, f"nothing left behind ({leftovers(engine)})")
    before, memory_before = host_state(engine), settled_memory_kb(engine)
    for _ in range(CYCLES):
        cycle()
    wait_for(lambda: not leftovers(engine), 10, f"nothing left behind ({leftovers(engine)})")
    wait_for(lambda: host_state(engine) == before, 10, f"{host_state(engine)} as before, {before}")
    grown = [after - earlier for earlier, after in zip(memory_before, settled_memory_kb(engine))]
    print(f"{CYCLES} cycles: brigd and brig-shim grew by {grown} kB from {memory_before} kB")
    # The allocator settles within some pages; a leak per container would go on.
    allowed = 3072 + 8 * CYCLES if sanitized() else 1024
    assert max(grown) < allowed, grown
