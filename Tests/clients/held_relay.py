"""Passes connections on to PORT, and holds what comes back from there until the file GATE exists, after FREE bytes of a
connection: a slow registry. Prints the port that it listens on.

usage: held_relay.py PORT GATE FREE
"""
import os
import socket
import sys
import threading
import time


def forward(source, sink, gate=None, free=0):
    passed = 0
    try:
        while data := source.recv(65536):
            while gate and passed > free and not os.path.exists(gate):
                time.sleep(0.01)
            sink.sendall(data)
            passed += len(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def main(port, gate, free):
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        upstream = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=forward, args=(client, upstream), daemon=True).start()
        threading.Thread(target=forward, args=(upstream, client, gate, free), daemon=True).start()


main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
