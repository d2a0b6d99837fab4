"""HTTP to the servers of a cluster; with the cluster's certificates where it has some."""
import json
import ssl
import urllib.request


class Web:
    """`tls` is {"ca", "cert", "key"} or None. Never through a proxy: everything is on loopback."""

    def __init__(self, tls: dict | None = None):
        self.scheme = "https" if tls else "http"
        handlers: list = [urllib.request.ProxyHandler({})]
        if tls:
            context = ssl.create_default_context(cafile=tls["ca"])
            context.load_cert_chain(tls["cert"], tls["key"])
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._open = urllib.request.build_opener(*handlers).open

    def ask(self, address: str, path: str, send: dict | None = None):
        """The JSON of an answer, an empty dictionary when it is not JSON; None when nobody answers well. `send` makes it a POST."""
        request = urllib.request.Request(f"{self.scheme}://{address}{path}", data=None if send is None else json.dumps(send).encode())
        try:
            with self._open(request, timeout=2) as answer:
                body = answer.read()
        except OSError:
            return None
        try:
            return json.loads(body)
        except ValueError:
            return {}
