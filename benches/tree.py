"""Runs a command and adds a line to a file: wall seconds, CPU seconds, peak MiB of it and all it started.

    tree.py FILE COMMAND...

The memory is the largest sum of the resident sizes of all processes at one moment, looked at every 10 ms.
"""

import os
import resource
import subprocess
import sys
import time


def children(process):
    found = []
    try:
        for thread in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{thread}/children", encoding="ascii") as listed:
                found += [int(child) for child in listed.read().split()]
    except OSError:
        pass  # It ended meanwhile.
    return found


def resident(process):
    size = 0
    try:
        with open(f"/proc/{process}/status", encoding="ascii") as status:
            size = sum(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
    except OSError:
        pass
    return size + sum(resident(child) for child in children(process))


def main():
    began = time.monotonic()
    with subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
        peak = 0
        while run.poll() is None:
            peak = max(peak, resident(run.pid))
            time.sleep(0.01)
        wall = time.monotonic() - began
        if run.returncode not in (0, 2, 3):
            sys.exit(f"{sys.argv[2]} ended with {run.returncode}: {run.stderr.read().decode()}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(sys.argv[1], "a", encoding="ascii") as lines:
        lines.write(f"{wall:.2f} {used.ru_utime + used.ru_stime:.2f} {peak / 1024:.0f}\n")


main()
