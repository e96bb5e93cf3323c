#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Saves a file the way editors do, step by step as strace shows of them.

usage: saves.py emacs|libreoffice|gedit FILE TEXT
"""
import os
import sys
import tempfile


def write_synced(path: str, text: bytes, flags: int, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | flags, mode)
    os.write(fd, text)
    os.fsync(fd)
    os.close(fd)


def emacs(path: str, text: bytes) -> None:
    """A lock that is a dangling link; the file becomes the backup; a new file, synced."""
    directory, name = os.path.split(path)
    lock = os.path.join(directory, ".#" + name)
    os.symlink("user@host.1:2", lock)
    mode = os.stat(path).st_mode & 0o7777
    os.rename(path, path + "~")
    write_synced(path, text, os.O_TRUNC, mode)
    os.chmod(path, mode)
    os.unlink(lock)


def libreoffice(path: str, text: bytes) -> None:
    """A lock file; a backup by link; the new content in a file beside it, renamed over the old."""
    directory, name = os.path.split(path)
    lock = os.path.join(directory, f".~lock.{name}#")
    write_synced(lock, b"user,host", os.O_EXCL, 0o644)
    if os.path.exists(path + ".bak"):
        os.unlink(path + ".bak")
    os.link(path, path + ".bak")
    fd, new = tempfile.mkstemp(prefix="lu", suffix=".tmp", dir=directory)
    os.write(fd, text)
    os.fchmod(fd, os.stat(path).st_mode & 0o7777)
    os.fsync(fd)
    os.close(fd)
    os.rename(new, path)
    os.unlink(lock)


def gedit(path: str, text: bytes) -> None:
    """GLib: a hidden file, synced; the old one renamed to be the backup; the new one renamed."""
    directory = os.path.dirname(path)
    new = os.path.join(directory, ".goutputstream-ABCDEF")
    write_synced(new, text, os.O_EXCL, os.stat(path).st_mode & 0o7777)
    os.rename(path, path + "~")
    os.rename(new, path)
    fd = os.open(directory, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


{"emacs": emacs, "libreoffice": libreoffice, "gedit": gedit}[sys.argv[1]](sys.argv[2],
                                                                        sys.argv[3].encode())
