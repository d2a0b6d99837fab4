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

    def get(self, address: str, path: str):
        """The JSON of an answer, an empty dictionary when it is not JSON; None when nobody answers well."""
        try:
            with self._open(f"{self.scheme}://{address}{path}", timeout=2) as answer:
                body = answer.read()
        except OSError:
            return None
        try:
            return json.loads(body)
        except ValueError:
            return {}
