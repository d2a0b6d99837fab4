"""The least of the MySQL protocol that tells whether TiDB answers SQL and runs a statement, without any package.

Handshake v10 and COM_QUERY as in the MySQL client/server protocol documentation; a user without a
password only.
"""
import socket
import struct

_PROTOCOL_41, _SECURE_CONNECTION, _PLUGIN_AUTH = 0x200, 0x8000, 0x80000


def _read_exact(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            raise OSError("connection closed")
        data += part
    return data


def _read_packet(sock: socket.socket) -> bytes:
    header = _read_exact(sock, 4)
    return _read_exact(sock, int.from_bytes(header[:3], "little"))


def _write_packet(sock: socket.socket, sequence: int, payload: bytes) -> None:
    sock.sendall(len(payload).to_bytes(3, "little") + bytes([sequence]) + payload)


def answers(host: str, port: int, user: str = "root", timeout: float = 2.0) -> bool:
    """Logs in and runs SELECT 1."""
    try:
        return _query(host, port, user, timeout, "SELECT 1")[:1] == b"\x01"
    except OSError:
        return False


def execute(host: str, port: int, statement: str, user: str = "root", timeout: float = 20.0) -> None:
    """Logs in and runs a statement without rows. OSError with the server's words when it does not succeed."""
    answer = _query(host, port, user, timeout, statement)
    if answer[:1] != b"\x00":
        raise OSError(f"{statement}: {answer[9:].decode(errors='replace') or 'refused'}")


def _query(host: str, port: int, user: str, timeout: float, statement: str) -> bytes:
    """The first packet of the answer."""
    with socket.create_connection((host, port), timeout=timeout) as sock:
        if _read_packet(sock)[:1] != b"\x0a":
            raise OSError("the server's greeting is not of protocol 10")
        flags = _PROTOCOL_41 | _SECURE_CONNECTION | _PLUGIN_AUTH
        login = struct.pack("<IIB23x", flags, 1 << 24, 45) + user.encode() + b"\0" + b"\0"
        _write_packet(sock, 1, login + b"mysql_native_password\0")
        if _read_packet(sock)[:1] != b"\x00":
            raise OSError(f"the server refuses the user {user!r}")
        _write_packet(sock, 0, b"\x03" + statement.encode())
        return _read_packet(sock)
