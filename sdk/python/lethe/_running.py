# SPDX-License-Identifier: Apache-2.0
"""The callback that is under way, and what a strategy may ask of the host in it."""

import ctypes as c
import io

from . import _abi
from ._host import Failure

current = None  # HostCall; all callbacks come from one thread
services = None


def _call():
    if current is None:
        raise Failure("the host can be asked only while it calls a strategy")
    return current


def log(message, level="info"):
    """One line for the run's record; `level` is 'debug', 'info' or 'warning'."""
    number = {"debug": 0, "info": 1, "warning": 2}[level]
    services.core.log(current.context if current else None, number, str(message).encode())


def report(key, value):
    """Records a number about this step under a key ([a-z][a-z0-9_.]*)."""
    given = _abi.Value(_abi.T_FLOAT, 0)
    given.payload.f = float(value)
    _call().check(services.core.report, key.encode(), c.byref(given))


def bits(label, count):
    """A list of `count` random 32-bit numbers, a function of the run's seed, the strategy, the label and the step: nothing
    about them has to be saved. A seed for NumPy or torch is `lethe.bits('mine', 1)[0]`."""
    return list(_call().bits(label, count))


class LogLines(io.TextIOBase):
    """What is printed becomes lines of the run's record: the terminal is the host's."""

    def __init__(self, level):
        self._level = level
        self._rest = ""

    def writable(self):
        return True

    def write(self, text):
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line.strip():
                log(line, self._level)
        return len(text)
