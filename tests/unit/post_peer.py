"""TLS receivers for the tests of http_post: what they do is said by the path. Usage: post_peer.py DIRECTORY, with the
certificates of make_post_certificates.sh in it. Prints the ports of KINDS. Ends when its standard input is closed."""
import os
import socket
import ssl
import sys
import threading
import time

# certificate, must a client have one, newest version
KINDS = (
    ("server", ssl.CERT_OPTIONAL, ssl.TLSVersion.TLSv1_3),
    ("server", ssl.CERT_OPTIONAL, ssl.TLSVersion.TLSv1_2),
    ("server", ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_3),
    ("server", ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_2),
    ("expired", ssl.CERT_NONE, ssl.TLSVersion.TLSv1_3),
    ("elsewhere", ssl.CERT_NONE, ssl.TLSVersion.TLSv1_3),
    ("foreign", ssl.CERT_NONE, ssl.TLSVersion.TLSv1_3),
)


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    pieces = [body]
    left = length - len(body)
    while left > 0:
        piece = connection.recv(min(left, 1 << 20))
        if not piece:
            return None
        pieces.append(piece)
        left -= len(piece)
    return head.split(b" ")[1], b"".join(pieces)


def name_of(connection):
    certificate = connection.getpeercert()
    return dict(pair[0] for pair in certificate["subject"])["commonName"] if certificate else "nobody"


def respond(connection, path, body, number):
    """True when the connection stays."""
    if path == b"/hang":
        time.sleep(60)
    elif path == b"/cut":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nword")
    elif path == b"/cut-head":
        connection.sendall(b"HTTP/1.1 200 OK\r\nA: b\r\n")
        connection.unwrap()
    elif path == b"/end":
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nword")
        connection.unwrap()
    else:
        text = b"%d %s %d %d" % (number, name_of(connection).encode(), len(body), sum(body))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
        return True
    return False


def serve(connection, context, number):
    try:
        connection = context.wrap_socket(connection, server_side=True)
        while True:
            request = read_request(connection)
            if request is None or not respond(connection, *request, number):
                break
    except (OSError, ssl.SSLError):
        pass
    finally:
        connection.close()


def accept(listener, context):
    number = 0
    while True:
        connection, _ = listener.accept()
        number += 1
        threading.Thread(target=serve, args=(connection, context, number), daemon=True).start()


def main():
    os.chdir(sys.argv[1])
    ports = []
    for certificate, mode, newest in KINDS:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate + ".pem", certificate + ".key")
        context.load_verify_locations("ca.pem")
        context.verify_mode = mode
        context.maximum_version = newest
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        ports.append(listener.getsockname()[1])
        threading.Thread(target=accept, args=(listener, context), daemon=True).start()
    os.write(1, b"%s\n" % b" ".join(b"%d" % port for port in ports))
    sys.stdin.read()
    os._exit(0)


main()
