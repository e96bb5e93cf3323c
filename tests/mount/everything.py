#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes a tree that holds an example of everything a filesystem can hold and cp, rsync and tar can
carry. Needs root, and a filesystem with extended attributes and ACLs.

usage: everything.py DIRECTORY (is made)
"""
import os
import random
import socket
import stat
import subprocess
import sys

OWNERS = [(0, 0), (1000, 100), (65534, 65534), (4_000_000_000, 4_000_000_001)]
# Seconds: before 1970, long before, after 2038, after 2106; ext4 ends in 2446.
TIMES = [-1, -2_000_000_000, 0, 2_147_483_648, 4_294_967_296, 10_000_000_000]
NANOSECONDS = 123_456_789


def write(path: str, content: bytes) -> str:
    with open(path, "wb") as file:
        file.write(content)
    return path


def names() -> None:
    os.mkdir("names")
    for name in [
            "n" * 255, "with space", "with\nnewline", "-dash", "quote'\"", "*?[a]\\", "ünïcödé",
            "\u202eright to left", ".hidden", "...", "a:b"
    ]:
        write(f"names/{name}", name.encode())
        os.mkdir(f"names/{name[:251]}.dir")
    write(os.fsencode("names/") + b"not utf-8 \xff\xfe", b"bytes")  # type: ignore[arg-type]


def kinds(generator: random.Random) -> None:
    os.mkdir("kinds")
    for size in [0, 1, 59, 60, 255, 256, 257, 4095, 4096, 4097, 65536, 1_000_003, 20_000_000]:
        write(f"kinds/size-{size}", generator.randbytes(size))
    os.mkfifo("kinds/fifo", 0o604)
    os.mknod("kinds/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod("kinds/block", stat.S_IFBLK | 0o660, os.makedev(259, 1_000_000))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("kinds/socket")
    os.makedirs("kinds/empty/deep/" + "/".join("abcdefgh"))
    for length in [1, 59, 60, 61, 4095]:
        os.symlink("t" * length, f"kinds/link-{length}")
    os.symlink("size-1", "kinds/link-relative")


def modes() -> None:
    os.mkdir("modes")
    for mode in [0, 0o400, 0o644, 0o777, 0o1777, 0o2755, 0o4755, 0o6711, 0o7777]:
        for number, (uid, gid) in enumerate(OWNERS):
            path = write(f"modes/{mode:04o}-{number}", b"x")
            os.mkdir(path + ".d")
            for each in [path, path + ".d"]:
                os.chown(each, uid, gid)
                os.chmod(each, mode)  # after chown, which clears the set-id bits
    os.symlink("nobody's", "modes/link")
    os.lchown("modes/link", 65534, 65534)


def hard_links() -> None:
    os.makedirs("hard/a")
    os.makedirs("hard/b")
    write("hard/a/one", b"linked")
    for number in range(50):
        os.link("hard/a/one", f"hard/{'ab'[number % 2]}/more-{number}")
    os.link("kinds/link-60", "hard/link", follow_symlinks=False)


def sparse() -> None:
    os.mkdir("sparse")
    with open("sparse/islands", "wb") as file:
        for position in [0, 5 << 20, 200 << 20]:
            file.seek(position)
            file.write(b"island" * 1000)
        file.truncate(1 << 28)
    with open("sparse/empty", "wb") as file:
        file.truncate(1 << 28)


def attributes() -> None:
    os.mkdir("attributes")
    path = write("attributes/user", b"x")
    os.setxattr(path, "user.empty", b"")
    os.setxattr(path, "user.binary", bytes(range(256)))
    os.setxattr(path, "user." + "n" * 250, b"long name")
    os.setxattr(path, "user.large", b"v" * 2000)
    os.setxattr("attributes", "user.directory", b"yes")
    os.setxattr(write("attributes/trusted", b"x"), "trusted.who", b"root")
    capable = write("attributes/capable", b"#!/bin/true\n")
    os.chmod(capable, 0o755)
    subprocess.run(["setcap", "cap_net_raw=ep", capable], check=True)


def acls() -> None:
    os.mkdir("acls")
    write("acls/file", b"x")
    write("acls/masked", b"x")
    os.mkdir("acls/inherited")
    for rule, path in [("u:1000:rw,g:100:r,u:65534:-", "acls/file"),
                       ("u:1000:rwx,m::r", "acls/masked"),
                       ("d:u:1000:rwx,d:g:100:rx,d:o::-", "acls/inherited")]:
        subprocess.run(["setfacl", "-m", rule, path], check=True)
    write("acls/inherited/file", b"x")
    os.makedirs("acls/inherited/directory/below")


def times() -> None:
    os.mkdir("times")
    for number, seconds in enumerate(TIMES):
        file = write(f"times/file-{number}", b"x")
        os.mkdir(f"times/directory-{number}")
        os.symlink("nowhere", f"times/link-{number}")
        for path in [file, f"times/directory-{number}", f"times/link-{number}"]:
            both = seconds * 1_000_000_000 + NANOSECONDS
            os.utime(path, ns=(both, both), follow_symlinks=False)


def main(directory: str) -> None:
    os.umask(0o022)
    os.mkdir(directory)
    os.chdir(directory)
    names()
    kinds(random.Random(1))
    modes()
    hard_links()
    sparse()
    attributes()
    acls()
    times()


main(sys.argv[1])
