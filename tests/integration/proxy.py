"""A unix socket before an engine's own that passes everything on and writes down what is asked."""

import os
import re
import select
import socket
import threading

import harness

REQUEST_LINE = re.compile(rb"(?:^|\r\n)(GET|HEAD|POST|PUT|DELETE) (\S+) HTTP/1\.[01]\r\n")
PIECE = 65536


class RecordingProxy:
    """`requests` are (method, target), in the order they came."""

    def __init__(self, path, engine_socket):
        self.path, self.engine_socket = path, engine_socket
        self.host = f"unix://{path}"
        self.requests = []
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        harness.at_end(self.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, socket.socket(socket.AF_UNIX) as engine:
            try:
                engine.connect(self.engine_socket)
                self._pass_on(client, engine)
            except OSError:
                pass  # either side is gone, and so is the other then

    def _pass_on(self, client, engine):
        while True:
            for source in select.select([client, engine], [], [])[0]:
                data = source.recv(PIECE)
                if not data:
                    return
                if source is client:
                    self._note(data)
                (engine if source is client else client).sendall(data)

    def _note(self, data):
        found = [(method.decode(), target.decode()) for method, target in REQUEST_LINE.findall(data)]
        with self.lock:
            self.requests += found

    def targets(self, part):
        """The targets that contain `part`."""
        with self.lock:
            return [target for _, target in self.requests if part in target]

    def forget(self):
        with self.lock:
            self.requests.clear()

    def close(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
            self.listener.shutdown(socket.SHUT_RDWR)  # close alone does not end an accept under way
            self.listener.close()
