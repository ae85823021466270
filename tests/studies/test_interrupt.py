import signal

import pytest

from handlens.studies.storage.store import Store
from handlens.studies.training.run import run_study


@pytest.fixture
def heard(request):
    """What a Ctrl-C does meanwhile; who runs the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, request.param)
    yield request.param
    signal.signal(signal.SIGINT, before)


def interrupt(monkeypatch, times):
    """Ctrl-C so many times whenever a run is about to be written."""
    write = Store.write

    def interrupted(self, *args, **kwargs):
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)
        return write(self, *args, **kwargs)

    monkeypatch.setattr(Store, "write", interrupted)


@pytest.mark.parametrize("heard", [signal.SIG_IGN], indirect=True)
def test_an_ignored_ctrl_c_stays_ignored(heard, small, digits, store, monkeypatch):
    interrupt(monkeypatch, 1)
    assert run_study(small, digits, store).rows
    assert signal.getsignal(signal.SIGINT) is heard


@pytest.mark.parametrize("heard", [signal.default_int_handler], indirect=True)
def test_ctrl_c_waits_for_the_writing(heard, small, digits, store, monkeypatch):
    with monkeypatch.context() as once:
        interrupt(once, 1)
        with pytest.raises(KeyboardInterrupt):
            run_study(small, digits, store)
    assert len(store.hashes()) == 1
    interrupt(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        run_study(small, digits, store)
    assert len(store.hashes()) == 1
    assert signal.getsignal(signal.SIGINT) is heard


class Swallows:
    """Python goes on after what its destructor raises, Ctrl-C included."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("heard", [signal.default_int_handler], indirect=True)
def test_a_ctrl_c_in_a_destructor_is_not_lost(heard, small, digits, store):
    def on_event(event):
        if event.kind == "epoch":
            Swallows()

    with pytest.raises(KeyboardInterrupt):
        run_study(small, digits, store, on_event=on_event)
    assert len(store.hashes()) < len(run_study(small, digits, store).rows) * 2
    assert signal.getsignal(signal.SIGINT) is heard
