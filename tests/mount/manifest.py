#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints a line for each entry below a directory: path, mode with type, owner, links, size, time, and
the checksum or the target. Equal output means equal trees."""
import hashlib
import os
import stat
import sys


def content(path: bytes, info: os.stat_result) -> str:
    if stat.S_ISLNK(info.st_mode):
        return os.fsdecode(os.readlink(path))
    if not stat.S_ISREG(info.st_mode):
        return f"{info.st_rdev}"
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest() if hasattr(
            hashlib, "file_digest") else hashlib.sha1(file.read()).hexdigest()


def describe(root: bytes, path: bytes) -> str:
    info = os.lstat(path)
    is_directory = stat.S_ISDIR(info.st_mode)
    fields = [
        repr(os.path.relpath(path, root)), f"{info.st_mode:o}", f"{info.st_uid}:{info.st_gid}",
        # What a directory's size and links say differs between filesystems.
        "-" if is_directory else f"{info.st_nlink} {info.st_size}",
        f"{info.st_mtime_ns}", "-" if is_directory else content(path, info)
    ]
    return " ".join(fields)


def main(root: bytes) -> None:
    for directory, names, files in os.walk(root):
        names.sort()
        if directory != root:
            print(describe(root, directory))
        links = [n for n in names if os.path.islink(os.path.join(directory, n))]
        for name in sorted(files + links):
            print(describe(root, os.path.join(directory, name)))


main(os.fsencode(sys.argv[1]))
