"""A TLS server for test_curl_client: what it does is said by the path. Usage: tls_peer.py CERT KEY [CA];
with a CA clients need a certificate. Prints its port. Ends when its standard input is closed."""
import os
import socket
import ssl
import sys
import threading

lock = threading.Lock()
full = threading.Condition(lock)
counts = {"accepted": 0, "open": 0, "crowd": 0, "most": 0}
CROWD = 4  # requests that /crowd waits for


def answer(status, body):
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def read_head(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(4096)
        if not piece:
            return None
        head += piece
    return head


def crowd():
    with full:
        counts["crowd"] += 1
        counts["most"] = max(counts["most"], counts["crowd"])
        full.notify_all()
        full.wait_for(lambda: counts["most"] >= CROWD, timeout=10)
        counts["crowd"] -= 1


def respond(connection, path, head, served):
    """True when the connection stays."""
    send = connection.sendall
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    if path == b"/length":
        send(answer(b"200 OK", b"body"))
    elif path == b"/chunked":
        for piece in (chunked, b"3\r\nbo", b"d\r\n1\r\ny\r\n0\r", b"\n\r\n"):
            send(piece)
    elif path == b"/eof":
        send(b"HTTP/1.0 200 OK\r\n\r\nbody")
        connection.unwrap()  # a TLS end, which tells it from a cut
        return False
    elif path == b"/echo":
        send(answer(b"200 OK", head))
    elif path == b"/500":
        send(answer(b"500 Internal Server Error", b'{"message":"x"}'))
    elif path == b"/302":
        send(b"HTTP/1.1 302 Found\r\nLocation: /length\r\nContent-Length: 0\r\n\r\n")
    elif path == b"/interim":
        send(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer(b"200 OK", b"body"))
    elif path == b"/most":
        send(answer(b"200 OK", b"%d" % counts["most"]))
    elif path == b"/accepted":
        send(answer(b"200 OK", b"%d" % counts["accepted"]))
    elif path == b"/open":
        send(answer(b"200 OK", b"%d" % counts["open"]))
    elif path == b"/crowd":
        crowd()
        send(answer(b"200 OK", b"body"))
    elif path == b"/once":
        if served > 0:
            return False
        send(answer(b"200 OK", b"body"))
    elif path == b"/empty":
        return False
    elif path == b"/cut":
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
        return False
    elif path == b"/cut-head":
        send(b"HTTP/1.1 200 OK\r\nA: b\r\n")
        connection.unwrap()
        return False
    elif path == b"/garbage":
        send(b"220 smtp.example.org\r\n")
        return False
    elif path == b"/bad-chunk":
        send(chunked + b"no\r\n")
    elif path == b"/big-head":
        send(b"HTTP/1.1 200 OK\r\n" + b"a: %s\r\n" % (b"x" * 1000) * 100)
    elif path == b"/big":
        send(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1024):
            send(b"\0" * 65536)
        return False
    elif path.startswith(b"/events"):
        for piece in (chunked, b'5\r\n{"a":\r\n', b"3\r\n1}\n\r\n", b'7\r\n{}\n{"b"\r\n', b"4\r\n:2}\n\r\n"):
            send(piece)
        if path == b"/events-that-end":
            send(b"4\r\nlast\r\n0\r\n\r\n")
        elif path == b"/events-too-long":
            send(b"50\r\n" + b"x" * 80 + b"\r\n")
        elif path == b"/events-that-break":
            return False
    return True  # /hang: nothing at all


def serve(connection, context):
    served = 0
    try:
        connection = context.wrap_socket(connection, server_side=True)
        while True:
            head = read_head(connection)
            if head is None or not respond(connection, head.split(b" ")[1], head, served):
                break
            served += 1
    except (OSError, ssl.SSLError):
        pass
    finally:
        connection.close()
        with lock:
            counts["open"] -= 1


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    if len(sys.argv) > 3:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(sys.argv[3])
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    os.write(1, b"%d\n" % listener.getsockname()[1])  # in one piece: its reader closes the pipe

    def end_with_the_test():
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=end_with_the_test, daemon=True).start()
    while True:
        connection, _ = listener.accept()
        with lock:
            counts["accepted"] += 1
            counts["open"] += 1
        threading.Thread(target=serve, args=(connection, context), daemon=True).start()


main()
