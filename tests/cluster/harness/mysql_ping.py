"""The least of the MySQL protocol that tells whether TiDB answers SQL, without any package.

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
        with socket.create_connection((host, port), timeout=timeout) as sock:
            if _read_packet(sock)[:1] != b"\x0a":
                return False
            flags = _PROTOCOL_41 | _SECURE_CONNECTION | _PLUGIN_AUTH
            login = struct.pack("<IIB23x", flags, 1 << 24, 45) + user.encode() + b"\0" + b"\0"
            _write_packet(sock, 1, login + b"mysql_native_password\0")
            if _read_packet(sock)[:1] != b"\x00":
                return False
            _write_packet(sock, 0, b"\x03SELECT 1")
            return _read_packet(sock)[:1] == b"\x01"
    except OSError:
        return False
