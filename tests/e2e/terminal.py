"""A program on a pseudo-terminal, typed at and read as a person would."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time


class Terminal:
    """`with Terminal(argv, env) as t: t.type("…"); t.expect("…"); t.wait()`"""

    def __init__(self, argv, env=None, rows=24, columns=80):
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.output = ""
        self.process = subprocess.Popen(argv, env=env, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, preexec_fn=self._take_terminal)
        os.close(slave)

    @staticmethod
    def _take_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)

    def resize(self, rows, columns):
        """The kernel signals SIGWINCH to the terminal's foreground processes."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode() if isinstance(text, str) else text)

    def _read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the other side has gone
            return False
        self.output += data.decode(errors="replace")
        return bool(data)

    def expect(self, text, seconds=15):
        """Waits for `text`, forgets everything up to and with it, and returns that."""
        deadline = time.monotonic() + seconds
        while text not in self.output:
            if time.monotonic() > deadline or (not self._read(0.2) and self.process.poll() is not None
                                               and not self._read(0)):
                raise AssertionError(f"{text!r} did not come; on the terminal: {self.output!r}")
        end = self.output.index(text) + len(text)
        seen, self.output = self.output[:end], self.output[end:]
        return seen

    def wait(self, seconds=15):
        """The exit code, with everything printed until then in `output`."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"still running; on the terminal: {self.output!r}")
            self._read(0.05)
        while self._read(0):
            pass
        return self.process.returncode
