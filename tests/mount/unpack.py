#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""unpack.py unpack TAR DIRECTORY LOG: writes each file, closes it, and only then logs its checksum and
name. unpack.py check LOG DIRECTORY: all that is in the log is there and has that checksum."""
import hashlib
import os
import sys
import tarfile


def unpack(archive: str, directory: str, log: str) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    with tarfile.open(archive) as tar:
        for member in tar:
            if not member.isreg():
                continue
            data = tar.extractfile(member).read()
            path = os.path.join(directory, member.name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
            line = f"{hashlib.sha1(data).hexdigest()} {member.name}\n"
            os.write(out, line.encode("utf-8", "surrogateescape"))


def check(log: str, directory: str) -> None:
    with open(log, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            digest, name = line.rstrip("\n").split(" ", 1)
            with open(os.path.join(directory, name), "rb") as file:
                found = hashlib.sha1(file.read()).hexdigest()
            assert found == digest, f"{name} has another content"


if sys.argv[1] == "unpack":
    unpack(*sys.argv[2:])
else:
    check(*sys.argv[2:])
