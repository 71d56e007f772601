"""A FreeBSD machine under QEMU, driven over its serial console.

Either a whole disk image (BRIG_FREEBSD_IMAGE: BIOS, or UEFI with BRIG_FREEBSD_UEFI=firmware file) that lets
root in on the serial console, or a kernel (BRIG_FREEBSD_KERNEL) with an image of a root file system
(BRIG_FREEBSD_ROOT, UFS), which is started in single-user mode within seconds. Both run with kern.racct.enable=1 and
what BRIG_FREEBSD_LOADER="NAME=VALUE ..." says else: a disk image that was booted with other settings gets them in its
loader.conf and boots again. Nothing that the guest writes stays in the images. Files go in as a tar archive on a disk
of its own: base has tar(1), and it needs neither network nor drivers that older releases lack.
"""
import ctypes
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import time

PROMPT = "brig-guest# "
HOW_TO_GET_ONE = (
    "set BRIG_FREEBSD_IMAGE to a disk image, such as the unpacked FreeBSD-*-amd64-BASIC-CI.raw of "
    "download.freebsd.org, or BRIG_FREEBSD_KERNEL and BRIG_FREEBSD_ROOT to a kernel and a UFS root image")


BOOTED = r"---<<BOOT>>---"


class GuestError(Exception):
    pass


class Silence(GuestError):
    """What was waited for has not come yet."""


def missing():
    """Why no guest can be started here, or nothing."""
    if not os.environ.get("BRIG_FREEBSD_IMAGE") and not (
            os.environ.get("BRIG_FREEBSD_KERNEL") and os.environ.get("BRIG_FREEBSD_ROOT")):
        return "no FreeBSD to run on: " + HOW_TO_GET_ONE
    try:
        subprocess.run(["qemu-system-x86_64", "--version"], stdout=subprocess.DEVNULL, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "qemu-system-x86_64 is not installed"
    return None


def _loader_settings():
    """What loader.conf is to say: as `brig system setup` has it, or otherwise."""
    settings = {"kern.racct.enable": "1"}
    settings.update(word.split("=", 1) for word in os.environ.get("BRIG_FREEBSD_LOADER", "").split())
    return settings


def _command(tree):
    # 57-bit addresses confuse loaders under emulation; emulated "rep movs" is 30 times slower than moves.
    cpu = ["-cpu", "max,-la57,-erms"]
    # Not whenever there is a /dev/kvm: within some virtual machines it is there and does not work.
    if os.environ.get("BRIG_FREEBSD_KVM"):
        cpu = ["-accel", "kvm", "-cpu", "host"]
    command = ["qemu-system-x86_64", *cpu, "-smp", "2", "-m", os.environ.get("BRIG_FREEBSD_MEMORY", "2048"),
               "-nodefaults", "-display", "none", "-serial", "stdio",
               "-device", "virtio-rng-pci", "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net"]
    image = os.environ.get("BRIG_FREEBSD_IMAGE")
    if image:
        if os.environ.get("BRIG_FREEBSD_UEFI"):
            command += ["-bios", os.environ["BRIG_FREEBSD_UEFI"]]
        disks = [(image, "on")]
    else:
        settings = " ".join(f"{name}={value}" for name, value in _loader_settings().items())
        command += ["-no-reboot", "-kernel", os.environ["BRIG_FREEBSD_KERNEL"], "-append",
                    # A loader would have read these hints from /boot/device.hints.
                    "hint.uart.0.at=isa hint.uart.0.port=0x3F8 hint.uart.0.irq=4 hint.uart.0.flags=0x10 "
                    "console=comconsole boot_serial=YES boot_single=YES "
                    "vfs.root.mountfrom=ufs:/dev/vtbd0 vfs.root.mountfrom.options=rw " + settings]
        disks = [(os.environ["BRIG_FREEBSD_ROOT"], "on")]
    disks.append((tree, "on"))
    for path, snapshot in disks:
        kind = "qcow2" if path.endswith(".qcow2") else "raw"
        command += ["-drive", f"if=virtio,format={kind},snapshot={snapshot},file={path}"]
    return command


def _die_with_parent():
    """A runner that is killed, by ctest's time limit, leaves no machine behind (Linux)."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except AttributeError:
        pass


class Guest:
    """Use as a context: the machine is off afterwards, whatever happened."""

    def __init__(self, tree, log):
        self.log = log
        self.seen = ""
        self.qemu = subprocess.Popen(_command(tree), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, preexec_fn=_die_with_parent)
        os.set_blocking(self.qemu.stdout.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.qemu.kill()
        self.qemu.wait()

    def send(self, text):
        self.qemu.stdin.write(text.encode())
        self.qemu.stdin.flush()

    def _read(self, limit):
        ready, _, _ = select.select([self.qemu.stdout], [], [], limit)
        if not ready:
            return
        data = os.read(self.qemu.stdout.fileno(), 65536)
        if not data:
            raise GuestError("the machine went off:\n" + self.seen[-3000:])
        text = data.decode(errors="replace").replace("\r", "")
        self.log.write(text)
        self.log.flush()
        self.seen += text

    def expect(self, patterns, seconds, on_line=None):
        """Waits for one of the regular expressions; returns its index and match, and forgets what was before."""
        deadline = time.monotonic() + seconds
        reported = 0
        while True:
            if on_line:
                end = self.seen.rfind("\n") + 1
                for line in self.seen[reported:end].splitlines():
                    on_line(line)
                reported = max(reported, end)
            for index, pattern in enumerate(patterns):
                match = re.search(pattern, self.seen)
                if match:
                    self.seen = self.seen[match.end():]
                    return index, match
            left = deadline - time.monotonic()
            if left <= 0:
                raise Silence(f"nothing like {patterns} within {seconds} s; the last was:\n{self.seen[-3000:]}")
            self._read(min(left, 1))

    def boot(self, seconds):
        """Up to a root shell that says PROMPT and does not echo, and to what the suites need."""
        self._log_in(seconds)
        self.run("PATH=/sbin:/bin:/usr/sbin:/usr/bin; export PATH; mount -u -w / 2>/dev/null", 60)
        if os.environ.get("BRIG_FREEBSD_IMAGE") and self._set_loader():
            self.send("sync; reboot\n")
            self.expect([BOOTED], seconds)
            self._log_in(seconds)
        self.run("PATH=/sbin:/bin:/usr/sbin:/usr/bin; export PATH; mount -t tmpfs tmpfs /tmp; mkdir -p /brig", 60)

    def _log_in(self, seconds):
        closed = r"Password:\s*$|db> $|mountroot> $"
        # Not at the end: what the system logs may have come after the word. "Last login: " is not at a line's start.
        index, _ = self.expect([r"RETURN for /bin/sh: ", r"(?m)^login: ", r"[#%] $", closed], seconds)
        if index < 2:
            self.send("root\n" if index == 1 else "\n")
            index = self._prompt([r"[#%] $", closed], seconds) + 2
        if index == 3:
            raise GuestError("the guest does not come up, or wants a password:\n" + self.seen[-3000:])
        # Without line editing, which would take what is sent ahead and echo it.
        self.send("exec /bin/sh +E +V\n")
        self._prompt([r"[#%] $"], 60)
        self.send(f"stty -echo; PS1='{PROMPT[:4]}''{PROMPT[4:]}'\n")
        self.expect([re.escape(PROMPT)], 60)

    def _prompt(self, patterns, seconds):
        """Waits for one of them at the end of what was said. Something that the system logged may stand behind a
        prompt, so another one is asked for then."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.expect(patterns, 15)[0]
            except Silence:
                if time.monotonic() > deadline:
                    raise
                self.send("\n")

    def _set_loader(self):
        """Whether loader.conf had to be changed, since the kernel has been started with other settings."""
        others = {name: value for name, value in _loader_settings().items()
                  if self.output(f"kenv -q {name}") != value}
        for name, value in others.items():
            self.run(f"echo '{name}=\"{value}\"' >>/boot/loader.conf", 60)
        return bool(others)

    def run(self, command, seconds, on_line=None):
        """Runs a shell command; returns its exit code."""
        self.seen = ""
        self.send(f"{command}\necho 'brig-''end' $?\n")
        index, match = self.expect([r"brig-end (\d+)\n", BOOTED], seconds, on_line)
        if index == 1:
            raise GuestError("the machine has started again by itself")
        # Or it would be among what the next command says.
        self.expect([re.escape(PROMPT)], 60)
        return int(match.group(1))

    def output(self, command, seconds=60):
        lines = []
        self.run(command, seconds, lines.append)
        return "\n".join(l.replace(PROMPT, "") for l in lines if "brig-end" not in l).strip()

    def bring_in(self):
        # The archive is the last disk.
        disk = "/dev/vtbd1"
        if self.run(f"tar -xf {shlex.quote(disk)} -C /brig", 300) != 0:
            raise GuestError("cannot unpack the tree in the guest:\n" + self.seen[-1000:])

    def power_off(self):
        self.send("sync; halt -p -q || shutdown -p now\n")
        try:
            self.qemu.wait(30)
        except subprocess.TimeoutExpired:
            print("the guest did not power off", file=sys.stderr)
