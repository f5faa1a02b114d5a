import os
import stat

import pytest

from stdc_core.private_folder import NotPrivateError, make_private_folder, read_private_file

ANOTHER = 12345  # a user's number

root_only = pytest.mark.skipif(os.geteuid() != 0, reason='only root can give a file away')


@pytest.fixture
def _as_another(monkeypatch):
    """Be another user than the one who wrote the files: the same for the check, without root."""
    monkeypatch.setattr(os, 'geteuid', lambda: ANOTHER)


def _disown(monkeypatch, path):
    """Let a file or folder belong to neither us nor root."""
    owned = os.stat_result((*path.stat()[:4], ANOTHER + 1, *path.stat()[5:]))
    monkeypatch.setattr(os, 'fstat', lambda number: owned)
    monkeypatch.setattr(type(path), 'lstat', lambda self: owned)


def test_folder_is_the_users_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        folder = make_private_folder(tmp_path / 'above/engines')
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_own_folder_is_taken_again(tmp_path):
    folder = make_private_folder(tmp_path / 'engines')
    (folder / 'plan').write_bytes(b'engine')
    assert make_private_folder(folder) == folder
    assert read_private_file(folder / 'plan') == b'engine'


@pytest.mark.parametrize('mode', [0o770, 0o707, 0o777, 0o1777])
def test_folder_that_others_write_is_refused(tmp_path, mode):
    folder = make_private_folder(tmp_path / 'engines')
    folder.chmod(mode)
    with pytest.raises(NotPrivateError, match=f'mode {mode:04o}.*chmod go-w {folder}'):
        make_private_folder(folder)


@pytest.mark.parametrize('mode', [0o620, 0o602])
def test_file_that_others_write_is_refused(tmp_path, mode):
    (tmp_path / 'plan').write_bytes(b'engine')
    (tmp_path / 'plan').chmod(mode)
    with pytest.raises(NotPrivateError, match=f'plan can be written by others .mode {mode:04o}'):
        read_private_file(tmp_path / 'plan')


def test_file_and_folder_of_another_user_are_refused(tmp_path, monkeypatch):
    (tmp_path / 'plan').write_bytes(b'planted')
    (tmp_path / 'plan').chmod(0o644)
    folder = make_private_folder(tmp_path / 'engines')
    _disown(monkeypatch, tmp_path / 'plan')
    with pytest.raises(NotPrivateError, match=rf'plan belongs to user {ANOTHER + 1}, expected'):
        read_private_file(tmp_path / 'plan')
    _disown(monkeypatch, folder)
    with pytest.raises(NotPrivateError, match=rf'engines belongs to user {ANOTHER + 1}'):
        make_private_folder(folder)


@root_only
def test_planted_file_is_refused_for_real(tmp_path):
    planted = tmp_path / 'plan'
    planted.write_bytes(b'planted')
    os.chown(planted, ANOTHER, ANOTHER)
    with pytest.raises(NotPrivateError, match=f'belongs to user {ANOTHER}'):
        read_private_file(planted)
    link = tmp_path / 'link'
    link.symlink_to(planted)
    with pytest.raises(NotPrivateError, match=f'belongs to user {ANOTHER}'):
        read_private_file(link)


@root_only
@pytest.mark.usefixtures('_as_another')
def test_roots_file_is_taken(tmp_path):
    (tmp_path / 'plan').write_bytes(b'installed')
    assert read_private_file(tmp_path / 'plan') == b'installed'


def test_link_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / 'elsewhere').mkdir(mode=0o700)
    (tmp_path / 'engines').symlink_to(tmp_path / 'elsewhere')
    with pytest.raises(NotPrivateError, match='is a link or something else'):
        make_private_folder(tmp_path / 'engines')


def test_pipe_and_folder_are_no_files_and_do_not_hang(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    for path in (tmp_path / 'pipe', tmp_path):
        with pytest.raises(OSError, match=r'no regular file|Is a directory'):
            read_private_file(path)
