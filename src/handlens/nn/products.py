"""Matrix products, cut so that they run fast; how they are cut depends on the shapes alone.

The order in which numbers are added, and so every bit of a result, is the same for any number of threads.
"""

from __future__ import annotations

import numpy as np

from handlens.nn.arrays import Array

SMALLEST_PART = 2**23  # multiplications: some 0.1 ms, ten times what waking a thread takes
MOST_PARTS = 4  # each part packs the second factor anew
SMALL = 10**6  # multiplications up to which OpenBLAS takes a product as it lies, without packing it first
FEW = 5000  # numbers of a kernel so small that packing the images costs more than multiplying them
FEWER = 1200  # of a kernel's gradient, where slices are added up in the end


def sliced(a: Array, b: Array, out: Array) -> None:
    """`out = a @ b`, in slices of the images where the kernel is small: twice as fast then.

    The long side is the last of b (outputs, gradients of inputs) or the one that is summed over (gradients of
    kernels).
    """
    rows, inner = a.shape
    columns = b.shape[1]
    if columns > inner and rows * inner <= FEW and out.flags.c_contiguous:
        count = slices(columns, rows * inner)
        if count > 1:
            np.matmul(a, _cut(b, count), out=_cut(out, count))
            return
    elif inner > columns and rows * columns <= FEWER:
        count = slices(inner, rows * columns)
        if count > 1:
            parts = np.matmul(_cut(a, count), _cut(b.T, count).transpose(0, 2, 1))  # [slices, rows, columns]
            np.sum(parts, axis=0, out=out)
            return
    np.matmul(a, b, out=out)


def slices(length: int, others: int) -> int:
    """Into how many equal slices a side of that length is cut: the fewest that make the products small."""
    least = -(-length * others // SMALL)
    return next((count for count in range(least, 2 * least + 1) if length % count == 0), 1)


def row_cuts(rows: int, inner: int, columns: int) -> list[slice]:
    """The parts of a matrix product `[rows, inner] @ [inner, columns]`, each worth the wait for a thread.

    Of equal numbers of rows that fill the product's inner loops (multiples of 16).
    """
    parts = min(rows * inner * columns // SMALLEST_PART, MOST_PARTS) or 1
    step = -(-rows // (16 * parts)) * 16
    return [slice(start, start + step) for start in range(0, rows, step)]


def _cut(matrix: Array, count: int) -> Array:
    """A view `[count, rows, columns / count]`."""
    return matrix.reshape(len(matrix), count, -1).transpose(1, 0, 2)
