"""What tests of images share: a cache of their own, and the real data where they are."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and no folder of data."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("HANDLENS_CACHE", str(folder))
    monkeypatch.delenv("HANDLENS_DATA", raising=False)
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The first folder of HANDLENS_DATA as it was set for the test run."""
    setting = os.environ.get("HANDLENS_DATA", "")
    if not setting:
        pytest.skip("needs real data: set HANDLENS_DATA to a folder that has mnist/ and fashion-mnist/")
    folder = Path(setting.split(os.pathsep)[0])
    if not (folder / "mnist").is_dir() or not (folder / "fashion-mnist").is_dir():
        pytest.skip(f"HANDLENS_DATA={folder} has no mnist/ and fashion-mnist/")
    return folder
