"""Run a notebook's cells in a kernel of their own."""

from __future__ import annotations

import asyncio
import atexit
import os
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING

from handlens.errors import HandlensError

if TYPE_CHECKING:
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbformat import NotebookNode

SLOWEST = 3600  # seconds that a cell may take


def execute(book: NotebookNode, folder: Path) -> None:
    """Run all cells in order in a fresh kernel of this Python, in `folder`; their outputs go into `book`.

    Raises:
        HandlensError: a cell raises, takes too long, or the kernel cannot be started or dies.
    """
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="handlens-") as place:
        warnings.simplefilter("ignore")  # of the notebook machinery, not ours
        # Without folders of kernels there is only ipykernel's own, which is this Python: one that a user
        # installed as `python3` may be another environment, without handlens.
        kernels = KernelSpecManager(kernel_dirs=[], ensure_native_kernel=True)
        manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=kernels)
        # Sockets in a folder of our own rather than ports that others on this machine can reach.
        manager.connection_file = str(Path(place, "k.json"))
        manager.transport = "ipc" if os.name == "posix" else "tcp"
        client = NotebookClient(book, km=manager, timeout=SLOWEST, record_timing=False)
        try:
            _run(client, manager, folder)
        except CellExecutionError as error:
            raise _failed(book, folder, f"{error.ename}: {error.evalue}") from None
        except CellTimeoutError:
            raise _failed(book, folder, f"took more than {SLOWEST} s") from None
        except (DeadKernelError, RuntimeError, OSError) as error:
            raise HandlensError(
                "the kernel that runs the notebook cannot be started or died",
                where=folder,
                remedy=f"see whether `python -m ipykernel --version` works ({error})",
            ) from None


def _run(client: NotebookClient, manager: AsyncKernelManager, folder: Path) -> None:
    """In a thread of its own: in the main one the client takes Ctrl-C for itself, and fails in many ways."""
    with ThreadPoolExecutor(1) as pool:
        cells = client.async_execute(cwd=str(folder), env=_environment(), cleanup_kc=True)
        running = pool.submit(asyncio.run, cells)
        try:
            running.result()
        except KeyboardInterrupt:
            while not running.done():
                kernel = getattr(manager.provisioner, "process", None)
                if kernel is not None:
                    kernel.kill()
                wait([running], timeout=0.1)
            # The client would end the same kernel once more, and complain that it is gone.
            atexit.unregister(client._cleanup_kernel)
            raise


def _failed(book: NotebookNode, folder: Path, said: str) -> HandlensError:
    done = [cell for cell in book.cells if cell.cell_type == "code" and cell.get("execution_count")]
    cell = done[-1].id if done else "?"
    return HandlensError(
        f"cell {cell!r} failed ({said})", where=folder, remedy="nothing was written; see what it says"
    )


def _environment() -> dict[str, str]:
    """This process's environment; folders of data are given in full, as the kernel works elsewhere."""
    given = dict(os.environ)
    # tqdm, which downloads draw their bar with, complains where Jupyter's widgets are not installed.
    given["PYTHONWARNINGS"] = ",".join(
        filter(None, [given.get("PYTHONWARNINGS"), "ignore:IProgress not found"])
    )
    if folders := given.get("HANDLENS_DATA"):
        each = (os.path.abspath(folder) for folder in folders.split(os.pathsep) if folder)  # noqa: PTH100
        given["HANDLENS_DATA"] = os.pathsep.join(each)
    return given
