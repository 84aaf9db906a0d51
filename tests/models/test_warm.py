"""Warming compiles what the product uses, so that no user waits for a compiler."""

import numpy as np

from steelyard.models import choices, repair, windows
from steelyard.models.solution import ShareProblem, solve_shares
from steelyard.models.warm import warm

KERNELS = (
    windows.fill_nearest,
    windows.count_faults,
    choices.fill_nearest_choice,
    choices.count_choice_faults,
    repair._search,
)


def test_one_compilation_of_each_kernel_serves_every_layout_of_arrays():
    warm()
    rows = np.array([[300, 250, 999]])[:, :2], np.array([20, 20], dtype=np.int32), np.array([50, 50])
    for row in rows:
        row.flags.writeable = False
    price = np.broadcast_to(np.array([3337, 10_150]), (3, 2))
    for threads in (1, 2):
        solve_shares(
            ShareProblem(np.full(3, 10**7)[::-1], np.repeat(rows[0], 3, 0), *rows[1:], price, 1000), threads=threads
        )
    assert [len(kernel.signatures) for kernel in KERNELS] == [1] * len(KERNELS)
