#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints a line for each entry below a directory: path, mode with type, owner, links, size, time, the
checksum or the target, extended attributes (ACLs are among them), and for a hard link the first path
that leads to the same file. Equal output means equal trees."""
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


def attributes(path: bytes) -> str:
    """Every extended attribute with its value."""
    names = sorted(os.listxattr(path, follow_symlinks=False))
    values = [os.getxattr(path, name, follow_symlinks=False).hex() for name in names]
    return " ".join(f"{name}={value}" for name, value in zip(names, values))


def describe(root: bytes, path: bytes, first_paths: dict[tuple[int, int], str]) -> str:
    info = os.lstat(path)
    is_directory = stat.S_ISDIR(info.st_mode)
    name = repr(os.path.relpath(path, root))
    same_as = "-" if is_directory else first_paths.setdefault((info.st_dev, info.st_ino), name)
    fields = [
        name, f"{info.st_mode:o}", f"{info.st_uid}:{info.st_gid}",
        # What a directory's size and links say differs between filesystems.
        "-" if is_directory else f"{info.st_nlink} {info.st_size}",
        f"{info.st_mtime_ns}", "-" if is_directory else content(path, info),
        "-" if same_as == name else same_as, attributes(path)
    ]
    return " ".join(fields)


def main(root: bytes) -> None:
    first_paths: dict[tuple[int, int], str] = {}
    for directory, names, files in os.walk(root):
        names.sort()
        if directory != root:
            print(describe(root, directory, first_paths))
        links = [n for n in names if os.path.islink(os.path.join(directory, n))]
        for name in sorted(files + links):
            print(describe(root, os.path.join(directory, name), first_paths))


main(os.fsencode(sys.argv[1]))
