"""Pages of memory-mapped files: given back and asked for, without any change of a value."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from handlens import pages

MB = 2**20


def resident_mb() -> float:
    """MB of this process in memory now, mapped files included."""
    status = Path("/proc/self/status")
    if not status.exists() or not hasattr(mmap, "MADV_DONTNEED"):
        pytest.skip("needs Linux, to see resident memory")
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if "VmRSS" in line) / 1024


@pytest.fixture
def mapped(tmp_path):
    """64 MB of images [65536, 32, 32, 1], read-only."""
    rows = np.repeat(np.arange(65536).astype(np.uint8), 1024)
    np.save(tmp_path / "images.npy", rows.reshape(-1, 32, 32, 1))
    return np.asarray(np.load(tmp_path / "images.npy", mmap_mode="r"))


def test_parts_are_all_images_in_order(mapped):
    assert [len(part) for part in pages.parts(mapped[:10], 3 * 1024)] == [3, 3, 3, 1]
    assert [len(part) for part in pages.parts(mapped[:3], 1)] == [1, 1, 1]
    assert list(pages.parts(mapped[:0])) == []
    whole = np.concatenate([part[:, 0, 0, 0] for part in pages.parts(mapped)])
    np.testing.assert_array_equal(whole, mapped[:, 0, 0, 0])


def test_going_through_parts_keeps_little_in_memory(mapped):
    before, most = resident_mb(), 0.0
    for part in pages.parts(mapped, 4 * MB):
        assert part.max() == 255
        most = max(most, resident_mb() - before)
    assert most < 32
    mapped.max()
    assert resident_mb() - before > 56, "this test needs pages that stay"
    pages.release(mapped)
    assert resident_mb() - before < 8
    assert mapped[300, 0, 0, 0] == 300 % 256


def test_pages_ahead_are_advice_only(mapped):
    for start, stop in ((0, 1), (5, 65536), (65535, 70000), (9, 9), (7, 3)):
        pages.expect(mapped, start, stop)
    pages.expect(mapped[100:][::2], 3, 9)
    pages.expect(np.zeros((4, 2)), 0, 4)
    assert mapped[65535, 31, 31, 0] == 255


def test_what_was_written_to_a_private_map_stays(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((100, 100), np.uint8))
    private = np.load(tmp_path / "a.npy", mmap_mode="c")
    private[...] = 7
    view = np.asarray(private)
    view.flags.writeable = False
    pages.release(view)
    assert (private == 7).all()


def test_arrays_in_memory_and_other_systems_are_left_alone(mapped, monkeypatch):
    pages.release(np.zeros((3, 2)))
    for name in ("MADV_DONTNEED", "MADV_WILLNEED"):
        monkeypatch.delattr(mmap, name, raising=False)
    pages.release(mapped)
    pages.expect(mapped, 0, 9)
    assert sum(len(part) for part in pages.parts(mapped)) == 65536
