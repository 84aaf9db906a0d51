"""After set-up, no process waits for a compiler."""

import subprocess
import sys

PROBE = """
import numpy as np
from steelyard.research.execution import Execution
from steelyard.research.kernel import simulate_combinations
from steelyard.research.strategies import Strategy, enumerate_combinations, level_rules
assert "numba" not in __import__("sys").modules, "importing the kernel's front must not import Numba"
close = np.linspace(10.0, 20.0, 3_000)
close.flags.writeable = False
for strategy in Strategy:
    simulate_combinations(close, close, strategy, enumerate_combinations([3, 4], [7, 9]), Execution(fill="next_open"))
    one = enumerate_combinations([3], [7])
    simulate_combinations(close, None, strategy, one, Execution(), segments=np.array([5, 9]))
simulate_combinations(close, None, Strategy.RSI, level_rules(range(3, 9)), Execution())
from numba.core.dispatcher import Dispatcher
import gc
ours = [k for k in gc.get_objects() if isinstance(k, Dispatcher) and k.__module__.startswith("steelyard.")]
print(sum(len(kernel.stats.cache_hits) for kernel in ours), sum(sum(k.stats.cache_misses.values()) for k in ours))
"""


def run(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, timeout=240).stdout


def test_a_fresh_process_finds_every_kernel_compiled():
    run("-m", "steelyard.research.warm")  # set-up did this already, unless a kernel changed since
    hits, misses = run("-c", PROBE).split()
    assert int(misses) == 0
    assert int(hits) >= 8
