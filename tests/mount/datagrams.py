# SPDX-License-Identifier: MIT
"""datagrams.py SOCKET FILE: writes each datagram that comes to the Unix socket as one line to the file."""
import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox, open(sys.argv[2], "a") as out:
    inbox.bind(sys.argv[1])
    while True:
        print(inbox.recv(65536).decode().replace("\n", " "), file=out, flush=True)
