"""Text from files and into files: whole or not at all, UTF-8, one sentence where it fails."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.markdown import ROOT
from tts.errors import BadInput
from tts.files.text import check_writable, is_utf8, read_bytes, read_text, write_atomically


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    path.chmod(0o640)
    write_atomically(path, "new é \ud83d")
    assert path.read_text("utf-8") == "new é \\ud83d"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_full_disk_leaves_the_older_file(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys; from tts.files.text import write_atomically\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_atomically(sys.argv[1], 'x' * 2000)"
    )
    path = tmp_path / "page.html"
    path.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1].startswith("tts.errors.BadInput: ")
    assert "page.html cannot be written: File too large." in done.stderr
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["nowhere/file", "", "a\0b", "x" * 300])
def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, name: str) -> None:
    for write in (lambda path: write_atomically(path, "x"), check_writable):
        with pytest.raises(BadInput, match=r"(?s)cannot be written: .*\.$"):
            write(tmp_path / name)


def test_a_device_is_written_to_and_not_replaced() -> None:
    check_writable("/dev/null")
    write_atomically("/dev/null", "x")
    assert not os.path.isfile("/dev/null")  # noqa: PTH113
    if Path("/dev/full").exists():
        with pytest.raises(BadInput, match="No space left on device"):
            write_atomically("/dev/full", "x")


def test_a_pipe_without_a_reader_is_refused_and_one_with_a_reader_gets_all(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(BadInput, match="cannot be written"):
        write_atomically(pipe, "x")
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    while not got:
        try:
            write_atomically(pipe, "x" * 200_000)
            break
        except BadInput:
            continue  # the reader has not opened it yet
    reader.join()
    assert got == ["x" * 200_000]


def test_asking_whether_a_file_can_be_written_leaves_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_utf_16_is_named_and_other_bytes_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes("text".encode("utf-16"))
    with pytest.raises(BadInput, match="is UTF-16 text: save it as UTF-8"):
        read_text(file)
    file.write_bytes(b"caf\xe9")
    with pytest.raises(BadInput, match="is not UTF-8 text"):
        read_text(file)
    file.write_bytes(b"\xef\xbb\xbfcaf\xc3\xa9")
    assert read_text(file) == "café"


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="larger than 5,000,000 bytes"):
        read_bytes("/dev/zero", limit=5_000_000)
    with pytest.raises(BadInput, match="Is a directory"):
        read_bytes(tmp_path)


def test_half_a_surrogate_pair_is_no_utf_8() -> None:
    assert is_utf8("a😀")
    assert not is_utf8("a\ud83d")
