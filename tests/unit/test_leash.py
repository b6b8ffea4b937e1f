import subprocess
import sys
import time

STUBBORN = """
import argparse, signal, time
from yvaxportal.commands.leash import stop_with_parent
signal.signal(signal.SIGTERM, lambda *_: print("told", flush=True))
stop_with_parent(argparse.Namespace(leash=True), patience=0.5)
print("ready", flush=True)
while True:
    time.sleep(1)
"""


def test_a_process_that_does_not_end_is_ended_when_its_parent_is_gone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.stdin.close()
        began = time.monotonic()
        assert child.wait(timeout=10) == 1
        assert time.monotonic() - began >= 0.4
        assert child.stdout.read() == "told\n"
