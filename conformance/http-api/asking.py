"""Asking an HTTP API as guest."""

import base64, json, urllib.error, urllib.request


def ask(port, method, path, body=None, node=None):
    """Status, and what the answer's JSON says; `node` is written as NODE@HOST in it, as nodes have names of their own."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/{path}", method=method)
    request.add_header("authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
    if body is not None:
        request.add_header("content-type", "application/json")
        request.data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    if node:
        text = text.replace(node.encode(), b"NODE@HOST")
    try:
        return status, json.loads(text) if text else None
    except ValueError:
        return status, "(no JSON)"
