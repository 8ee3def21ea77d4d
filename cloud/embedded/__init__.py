"""Servers that need no set-up: a real PostgreSQL and a real Valkey in a folder.

    with Postgres(folder / "postgres").running() as database, Valkey(folder / "valkey").running():
        ...

Each listens on 127.0.0.1 alone, at a port that is free when it starts, with passwords made for
the folder. The folder outlives them, and one process at a time may use it.

A server ends with the process that started it, however that ends: between the two stands a
keeper (keeper.py), which watches its parent and stops the server when the parent is gone. The
keeper holds the folder's lock as well, so that whoever comes next waits for the end of a server
that is still stopping. Where the keeper is killed too, the kernel tells the server (PDEATHSIG).

PostgreSQL refuses to run as root. Started by root, a server runs as the owner of its folder, or
as `nobody`; its passwords stay root's. It inherits its data folder open and knows it as
/proc/self/fd/N, because it can't walk there where root alone may enter a folder above. Programs
that it can't reach for the same reason are copied, once a machine (programs.py).
"""
