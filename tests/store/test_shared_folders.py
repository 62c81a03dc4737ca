"""Stores on file systems of a network, and where files cannot be locked: one process writes."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from headstart.store import opening
from headstart.store.store import Store
from stored import KEY, OTHER, child, put

HOLD = """
from headstart.store import opening
opening.network_file_system = lambda folder: "nfs4"
store = Store(folder)
print("open", flush=True)
time.sleep(100)
"""

REFUSE = """
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <dlfcn.h>
int flock(int file, int operation) { errno = ENOLCK; return -1; }
static int control(const char *name, int file, int command, void *argument) {
    if (command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK) {
        errno = ENOLCK;
        return -1;
    }
    int (*real)(int, int, ...) = dlsym(RTLD_NEXT, name);
    return real(file, command, argument);
}
int fcntl(int file, int command, ...) {
    va_list list; va_start(list, command);
    void *argument = va_arg(list, void *); va_end(list);
    return control("fcntl", file, command, argument);
}
int fcntl64(int file, int command, ...) {
    va_list list; va_start(list, command);
    void *argument = va_arg(list, void *); va_end(list);
    return control("fcntl64", file, command, argument);
}
"""


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "network_file_system", lambda folder: "nfs4")


@pytest.mark.usefixtures("network")
def test_a_store_over_a_network_has_no_log_in_shared_memory(store_folder: Path) -> None:
    with Store(store_folder) as store:
        put(store)
        with store.lock_step(OTHER) as ours:
            assert ours
        assert not (store_folder / "headstart.db-wal").exists()
    with sqlite3.connect(store_folder / "headstart.db") as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_local_store_that_was_moved_to_a_network_goes_on(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(store_folder) as store:
        put(store)
    monkeypatch.setattr(opening, "network_file_system", lambda folder: "lustre")
    with Store(store_folder) as store:
        assert store.row(KEY) is not None
        put(store, OTHER)
    monkeypatch.undo()
    with Store(store_folder) as store:
        assert store.rows([KEY, OTHER]).keys() == {KEY, OTHER}


@pytest.mark.usefixtures("network")
def test_a_second_process_reads_at_once_and_waits_to_write(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(opening, "TURN", 0.05)
    with Store(store_folder) as store:
        put(store)
    with child(HOLD, store_folder) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with Store(store_folder, reading=True) as reader:
            assert not reader.writable
            assert reader.row(KEY) is not None
        threading.Timer(0.3, other.kill).start()
        with Store(store_folder) as writer:
            put(writer, OTHER)
    said = [record.message for record in caplog.records]
    assert len(said) == 1
    assert said[0].startswith(f"the store {store_folder} is written by process {other.pid} on ")


@pytest.mark.usefixtures("network")
def test_one_process_may_open_a_store_twice(store_folder: Path) -> None:
    with Store(store_folder) as store:
        put(store)
        with Store(store_folder, reading=True) as again:
            assert again.row(KEY) is not None
            put(again, OTHER)
        assert store.row(OTHER) is not None


@pytest.mark.skipif(not shutil.which("cc"), reason="a C compiler is needed")
@pytest.mark.skipif(sys.platform != "linux", reason="libraries are preloaded as Linux does it")
def test_a_store_where_no_file_can_be_locked(tmp_path: Path) -> None:
    (tmp_path / "refuse.c").write_text(REFUSE)
    library = tmp_path / "refuse.so"
    build = ["cc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "refuse.c"), "-ldl"]
    subprocess.run(build, check=True)
    code = (
        "import sys, fcntl\nfrom pathlib import Path\nfrom stored import put, KEY, OTHER\n"
        "from headstart.store.store import Store\nfolder = Path(sys.argv[1])\n"
        "with Store(folder) as store:\n    put(store)\n"
        "with Store(folder) as store, store.lock_step(OTHER) as ours:\n"
        "    print(ours, store.row(KEY) is not None, store._claim is not None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "store")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {"LD_PRELOAD": str(library), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.stderr == ""
    assert done.stdout == "True True True\n"
