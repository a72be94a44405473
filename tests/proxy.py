"""A TCP proxy on loopback that cuts connections wherever it is told to."""

import contextlib
import itertools
import random
import socket
import threading


class Proxy:
    """Passes on what it is sent, and cuts every connection after some bytes in one direction or the other.

    Of some connections that are cut before the answer, the request is passed on whole all the same, later: as a machine
    in between may do.
    """

    def __init__(self, port, seed, lives=(0, 4000)):
        self._to = ("127.0.0.1", port)
        self._random = random.Random(seed)
        self._fates = itertools.cycle(["request", "answer", "late", "answer"])
        self._lives = lives
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._late = []
        self.port = self._listening.getsockname()[1]
        self.cuts = {"request": 0, "answer": 0, "late": 0}
        self._ends = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._ends = True
        self._listening.close()
        for thread in self._late:
            thread.join()

    def _accept(self):
        with contextlib.suppress(OSError):
            while not self._ends:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        fate = next(self._fates)
        left = self._random.randint(*self._lives)
        server = socket.create_connection(self._to)
        done = threading.Event()

        def pump(source, target, limit, name):
            sent = 0
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    if limit is not None and sent + len(data) > limit:
                        target.sendall(data[: limit - sent])
                        self.cuts[name] += 1
                        break
                    target.sendall(data)
                    sent += len(data)
            done.set()

        if fate == "late":
            self._serve_late(client, server, left)
            return
        pumps = [
            (client, server, left if fate == "request" else None, "request"),
            (server, client, left if fate == "answer" else None, "answer"),
        ]
        for pump_arguments in pumps:
            threading.Thread(target=pump, args=pump_arguments, daemon=True).start()
        done.wait()
        _end(client, server)

    def _serve_late(self, client, server, left):
        """Take one request whole, cut the client off, and bring the request to the server a while later."""
        request = b""
        with contextlib.suppress(OSError):
            while not _is_whole(request) and (data := client.recv(65536)):
                request += data
        _end(client)
        self.cuts["late"] += 1

        def bring():
            threading.Event().wait(self._random.choice([0, 0.02, 0.3]))
            with contextlib.suppress(OSError):
                server.sendall(request)
                server.recv(65536)
            _end(server)

        thread = threading.Thread(target=bring)
        self._late.append(thread)
        thread.start()


def _is_whole(request):
    head, found, body = request.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(found) and (not lengths or len(body) >= int(lengths[0]))


def _end(*sockets):
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
