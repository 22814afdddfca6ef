import os
from pathlib import Path

import pytest
from kubernaut_simulator.output_files import check_writable, replacing, write_bytes, write_text

from kubernaut.errors import OutputError


def test_a_file_is_written_whole_and_nothing_else_is_left(tmp_path):
    path = write_text(tmp_path / "new" / "report.html", "häuser")

    assert path.read_text(encoding="utf-8") == "häuser"
    assert [item.name for item in path.parent.iterdir()] == ["report.html"]


def test_an_existing_file_is_replaced(tmp_path):
    path = tmp_path / "a"
    write_bytes(path, b"old")
    write_bytes(path, b"new")

    assert path.read_bytes() == b"new"


def test_after_a_failure_the_old_file_is_as_it_was(tmp_path):
    path = tmp_path / "a"
    write_bytes(path, b"old")

    with pytest.raises(RuntimeError):
        _write_half(path)

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def _write_half(path):
    with replacing(path) as stream:
        stream.write(b"half")
        raise RuntimeError("the power went")


def test_a_full_disk_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*No space left"), replacing(tmp_path / "a"):
        raise OSError(28, "No space left on device")

    assert list(tmp_path.iterdir()) == []


def test_only_where_there_was_a_file_it_is_said_to_be_as_before(tmp_path):
    with pytest.raises(OutputError, match=r"device$"), replacing(tmp_path / "a"):
        raise OSError(28, "No space left on device")
    write_text(tmp_path / "a", "old")

    with pytest.raises(OutputError, match=r"device; the file is as it was before$"), replacing(tmp_path / "a"):
        raise OSError(28, "No space left on device")


def test_what_can_be_written_passes_the_check_and_nothing_is_made(tmp_path):
    (tmp_path / "old").write_text("x")

    check_writable(tmp_path / "old")
    check_writable(tmp_path / "new" / "deep" / "a")
    check_writable(tmp_path / "new", folder=True)
    check_writable(tmp_path, folder=True)
    check_writable("/dev/null")

    assert [one.name for one in tmp_path.iterdir()] == ["old"]


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")

    with pytest.raises(OutputError, match="it is a folder; name a file in it"):
        check_writable(tmp_path)
    with pytest.raises(OutputError, match="file is not a folder"):
        check_writable(tmp_path / "file" / "a" / "b")
    with pytest.raises(OutputError, match="file is not a folder"):
        check_writable(tmp_path / "file", folder=True)
    with pytest.raises(OutputError, match="File name too long"):
        check_writable(tmp_path / ("x" * 300) / "a")
    # Root may write anywhere, so the answer of the system is given here.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match=f"{tmp_path}: Permission denied"):
        check_writable(tmp_path / "a")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(OutputError, match="it is a folder; name a file in it"):
        write_text(tmp_path, "x")


def test_a_file_in_the_way_of_a_folder(tmp_path):
    (tmp_path / "a").write_text("x")

    with pytest.raises(OutputError, match="cannot write"):
        write_text(tmp_path / "a" / "b", "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="Permission denied"):
            write_text(tmp_path / "a", "x")
    finally:
        tmp_path.chmod(0o700)


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    real = tmp_path / "real"
    real.write_text("old")
    link = tmp_path / "link"
    link.symlink_to(real)

    write_text(link, "new")

    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_device_is_written_to_directly():
    write_text("/dev/null", "x")

    assert Path("/dev/null").is_char_device()
