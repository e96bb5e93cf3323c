#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A tree on a disk that rots.

rot.py make DIRECTORY SEED          writes a tree, everything once
rot.py damage DATADIR SEED          damages a store's files; prints "known" when hints and manifest tell
                                    of everything that was hit, or "unknown"
rot.py walk DIRECTORY FILE          notes all that the kernel shows of a tree
rot.py compare EXPECTED FOUND known|unknown
                                    what is found is as expected or an I/O error, and nothing else
rot.py told FOUND VERIFY            what gives an I/O error is named by `memoria-ctl verify --json`
rot.py saved FOUND REPAIRED         what could be read is in the repaired volume
"""
import errno
import hashlib
import json
import os
import random
import stat
import sys

BLOCK = 4096


def make(root: str, seed: int) -> None:
    rng = random.Random(seed)
    directories = [root]
    files = []
    for i in range(160):
        path = os.path.join(rng.choice(directories), f"n{i}")
        kind = rng.randrange(10)
        if kind < 2:
            os.mkdir(path)
            directories.append(path)
        elif kind == 2:
            os.symlink(f"target of {i}", path)
        elif kind == 3 and files:
            os.link(rng.choice(files), path)
        else:
            size = rng.choice([0, 50, 300, 5000, 60_000, 200_000])
            with open(path, "wb") as file:
                file.write(rng.randbytes(size and rng.randrange(size)))
            if rng.randrange(3) == 0:
                os.setxattr(path, "user.note", rng.randbytes(200))
            files.append(path)


SEAL = 32  # bytes at a segment's end


def damage(data: str, seed: int) -> None:
    rng = random.Random(seed)
    known = True
    for _ in range(rng.choice([1, 1, 1, 2, 3, 4])):
        suffix = rng.choice([".data"] * 6 + [".hint"] * 2 + ["manifest"])
        names = sorted(name for name in os.listdir(data) if name.endswith(suffix))
        if not names:
            continue
        path = os.path.join(data, rng.choice(names))
        known &= suffix == ".data"
        with open(path, "rb") as file:
            content = bytearray(file.read())
        at = rng.randrange(len(content))
        kind = rng.randrange(10)
        # The newest segment without its seal is what a crash leaves, and is sealed anew.
        known &= names[-1] not in path or at < len(content) - SEAL or kind == 9
        if kind < 5:
            content[at] ^= 1 << rng.randrange(8)
        elif kind < 7:
            at -= at % 512
            length = min(512 << rng.randrange(5), len(content) - at)
            content[at:at + length] = bytes(length)
        elif kind == 7:
            length = min(rng.randrange(1, 3000), len(content) - at)
            content[at:at + length] = rng.randbytes(length)
        elif kind == 8:
            del content[at:]
        else:
            os.remove(path)
            continue
        with open(path, "wb") as file:
            file.write(content)
    print("known" if known else "unknown")


def attempt(function, *arguments):
    """What a call gives, or the name of its error."""
    try:
        return function(*arguments)
    except OSError as error:
        return {"error": errno.errorcode[error.errno]}


def contents(path: str, size: int):
    """A checksum for each block, or the name of its error."""

    def block(at: int):
        return hashlib.sha1(os.pread(file, BLOCK, at)).hexdigest()

    file = os.open(path, os.O_RDONLY)
    try:
        return [attempt(block, at) for at in range(0, size, BLOCK)]
    finally:
        os.close(file)


def xattr(path: str, name: str) -> str:
    return os.getxattr(path, name, follow_symlinks=False).hex()


def describe(path: str):
    info = os.lstat(path)
    fields = {
        "mode": info.st_mode, "owner": [info.st_uid, info.st_gid], "links": info.st_nlink,
        "size": info.st_size, "mtime": info.st_mtime_ns, "inode": info.st_ino,
    }
    names = attempt(lambda: sorted(os.listxattr(path, follow_symlinks=False)))
    fields["xattrs"] = names if isinstance(names, dict) else {
        name: attempt(xattr, path, name) for name in names}
    if stat.S_ISLNK(info.st_mode):
        fields["target"] = attempt(os.readlink, path)
    elif stat.S_ISREG(info.st_mode):
        fields["contents"] = attempt(contents, path, info.st_size)
    return fields


def walk(root: str, output: str) -> None:
    found = {}
    waiting = ["/"]
    seen = set()
    while waiting:
        path = waiting.pop()
        fields = found[path] = attempt(describe, root + path)
        if not stat.S_ISDIR(fields.get("mode", 0)):
            continue
        if fields["inode"] in seen:
            sys.exit(f"FAIL: a second path to a directory, {path}")
        seen.add(fields["inode"])
        names = attempt(os.listdir, root + path)
        fields["names"] = names if isinstance(names, dict) else sorted(names)
        if not isinstance(names, dict):
            waiting += [os.path.join(path, name) for name in names]
    with open(output, "w", encoding="utf-8") as file:
        json.dump(found, file)


def load(path: str):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def is_error(value) -> bool:
    return isinstance(value, dict) and set(value) == {"error"}


def same(expected, found, where: str, known: bool) -> None:
    """Fails unless `found` is `expected` with parts that are I/O errors, or absent if not `known`."""
    if is_error(found):
        if found["error"] != "EIO" and (known or found["error"] not in ("ENOENT", "ENODATA")):
            sys.exit(f"FAIL: {where} gives {found['error']}")
        return
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in expected:
            if name in found:
                same(expected[name], found[name], f"{where} {name}", known)
            elif known:
                sys.exit(f"FAIL: {where} has lost {name}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for i, (was, is_now) in enumerate(zip(expected, found)):
            same(was, is_now, f"{where} {i}", known)
    elif expected != found:
        sys.exit(f"FAIL: {where} is {str(found)[:200]} and was {str(expected)[:200]}")


def older(expected, found, where: str) -> None:
    """Fails unless `found` is what `expected` was at some time, with parts that are I/O errors: everything
    was written once, in pieces, of which some may be missing."""
    if is_error(found):
        same(expected, found, where, False)
        return
    holes = (hashlib.sha1(bytes(BLOCK)).hexdigest(), )
    whole = min(expected["size"], found["size"]) // BLOCK
    blocks = found.get("contents", [])
    pieces = [] if is_error(blocks) else list(zip(expected.get("contents", []), blocks))
    for i, (was, is_now) in enumerate(pieces[:whole]):
        if is_now not in holes:
            same(was, is_now, f"{where} block {i}", False)
    for name in ("target", "xattrs"):
        if name in expected and name in found:
            same(expected[name], found[name], f"{where} {name}", False)


def compare(expected_path: str, found_path: str, certainty: str) -> None:
    expected, found = load(expected_path), load(found_path)
    known = certainty == "known"
    for path, fields in expected.items():
        above = path
        while above not in found and above != "/":
            above = os.path.dirname(above)
        if path in found and known:
            same(fields, found[path], path, True)
        elif path in found:
            older(fields, found[path], path)
        elif known and not is_error(found[above]) and not is_error(found[above].get("names")):
            sys.exit(f"FAIL: {path} is not in its directory")
    for path, fields in found.items():
        if path not in expected and (known or not is_error(fields)):
            sys.exit(f"FAIL: {path} never was")


def has_error(fields) -> bool:
    if is_error(fields):
        return True
    parts = fields.values() if isinstance(fields, dict) else fields
    return isinstance(fields, (dict, list)) and any(has_error(part) for part in parts)


def told(found_path: str, verify_path: str) -> None:
    found = load(found_path)
    named = {item["path"] for item in load(verify_path)["damages"] if item["live"] and "path" in item}
    # A file with several names is named by one of them.
    inodes = {found[path]["inode"] for path in named if path in found and "inode" in found[path]}
    for path, fields in found.items():
        if has_error(fields) and path not in named and fields.get("inode") not in inodes:
            sys.exit(f"FAIL: {path} cannot be read, and verify does not name it: {sorted(named)}")


def saved(found_path: str, repaired_path: str) -> None:
    found, repaired = load(found_path), load(repaired_path)
    for path, fields in found.items():
        if has_error(fields):
            continue
        if path not in repaired:
            sys.exit(f"FAIL: {path} could be read and is not in the repaired volume")
        for name, value in fields.items():
            # Names and links that could not be read are gone.
            if name not in ("names", "links", "mtime", "size") and repaired[path][name] != value:
                sys.exit(f"FAIL: {name} of {path} is another in the repaired volume")
    if any(has_error(fields) for fields in repaired.values()):
        sys.exit("FAIL: something in the repaired volume cannot be read")


def main() -> None:
    command, *arguments = sys.argv[1:]
    if command in ("make", "damage"):
        arguments[1] = int(arguments[1])
    {"make": make, "damage": damage, "walk": walk, "compare": compare, "told": told,
     "saved": saved}[command](*arguments)


main()
