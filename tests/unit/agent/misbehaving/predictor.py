"""A framework whose model does what ``options["does"]`` says, for the agent to live through."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

import numpy

#: Another one in every process, unlike its number, which is small where processes are not seen.
ITSELF = os.urandom(8).hex()


class Mute:
    def __init__(self, request):
        self._does = request["options"]["does"]
        self._at = request["options"].get("at", "predict")
        if self._at == "open":
            ACTIONS[self._does](None)

    def predict(self, inputs):
        return ACTIONS[self._does](inputs)

    def fit(self, inputs, labels):
        self._labels = labels

    def describe(self):
        return {
            "framework": "misbehaving",
            "itself": ITSELF,
            "pid": os.getpid(),
            "threads": os.environ.get("OMP_NUM_THREADS"),
        }


class Predictor(Mute):
    def count(self, figures, inputs):
        known = {"rows": sum(map(len, inputs.values())), "cells": sum(value.size for value in inputs.values())}
        for name in figures:
            if name not in known:
                raise ValueError(f"no figure is called {name}")
        return {name: known[name] for name in figures}


def echo(inputs):
    return inputs


def segfault(inputs):
    ctypes.string_at(0)


def hang(inputs):
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(3600)


def flood(inputs):
    for number in range(20000):
        sys.stdout.write(f"out {number} " + "x" * 200 + "\n")
        sys.stderr.write(f"err {number} " + "y" * 1000 + "\n")
    sys.stderr.write("z" * 5_000_000)
    return inputs


def print_natively(inputs):
    ctypes.CDLL(None).puts(b"printed by C")
    ctypes.CDLL(None).fflush(None)
    os.write(1, b"written to descriptor 1\n")
    return inputs


def read_input(inputs):
    return {"x": numpy.array([len(sys.stdin.read())])}


def take_memory(inputs):
    return {"x": numpy.ones(100 * 1000**3 // 8)}


def leave(inputs):
    os._exit(3)


def leave_politely(inputs):
    sys.exit("goodbye")


def abort(inputs):
    sys.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def fail(inputs):
    raise RuntimeError("the frobnicator is bent")


def close_descriptors(inputs):
    os.closerange(0, 256)
    return inputs


def write_to_the_wire(inputs):
    for descriptor in range(3, 16):
        try:
            os.write(descriptor, b"GARBAGE!" * 4)
        except OSError:
            continue
    return inputs


def fork(inputs):
    if os.fork() == 0:
        time.sleep(3600)
    return inputs


def fork_away(inputs):
    subprocess.Popen(["sleep", "3600"], start_new_session=True)
    return inputs


def fork_and_leave(inputs):
    if os.fork() == 0:
        time.sleep(3600)
    os._exit(4)


def return_nothing(inputs):
    return None


def return_objects(inputs):
    return {"x": numpy.array([object()])}


def return_a_number(inputs):
    return {"x": 3.0}


def return_sets(inputs):
    return {"x": [{1}, {2}]}


def raise_something_unprintable(inputs):
    class Odd(Exception):
        def __str__(self):
            return "\ud800" * 10

    raise Odd


def start_threads(inputs):
    threading.Thread(target=time.sleep, args=(3600,)).start()
    return inputs


ACTIONS = {name: value for name, value in globals().items() if callable(value) and value is not Predictor}


def load(request):
    return (Mute if request["options"].get("mute") else Predictor)(request)
