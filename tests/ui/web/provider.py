"""A small OpenID Connect provider on loopback: authorization code flow with PKCE, an RS256 identity token, one user."""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

USER = {"sub": "u1", "email": "ada@example.org", "name": "Ada"}
CLIENT, CLIENT_SECRET = "backprose", "a-secret-of-the-client"


class Provider:
    """Serves until closed. Whoever comes is Ada once she presses the button.

    Attributes:
        url: Its issuer.
        signed_in: How many identity tokens it gave.
        forges: Signs with a key that is not its own, as one would who stands between.
    """

    def __init__(self) -> None:
        from joserfc.jwk import RSAKey

        self._key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"}, private=True)
        self._other = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"}, private=True)
        self._codes: dict[str, dict[str, str]] = {}
        self.signed_in, self.forges = 0, False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place = urlsplit(self.path)
                asked = {name: values[0] for name, values in parse_qs(place.query).items()}
                match place.path:
                    case "/.well-known/openid-configuration":
                        self._json(200, outer.configuration())
                    case "/keys":
                        self._json(200, {"keys": [outer._key.as_dict(private=False)]})
                    case "/authorize":
                        self._say(200, "text/html", outer.page(asked))
                    case "/agreed":
                        self.send_response(302)
                        self.send_header("Location", outer.back(asked))
                        self.end_headers()
                    case _:
                        self._json(404, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                given = {name: values[0] for name, values in parse_qs(body).items()}
                basic = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
                known = basic == f"{CLIENT}:{CLIENT_SECRET}" and outer.may(given)
                self._json(200, outer.tokens(given)) if known else self._json(400, {"error": "invalid_grant"})

            def _json(self, status: int, value: Any) -> None:
                self._say(status, "application/json", json.dumps(value))

            def _say(self, status: int, media_type: str, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def page(self, asked: dict[str, str]) -> str:
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        return f'<h1>Provider</h1><a href="/agreed?{urlencode(asked)}">I am Ada</a>'.replace("&", "&amp;")

    def back(self, asked: dict[str, str]) -> str:
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def may(self, given: dict[str, str]) -> bool:
        """Whether a code was given out, to the one who now shows what the challenge was made from."""
        asked = self._codes.get(given["code"], {})
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        return asked.get("code_challenge") == base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def tokens(self, given: dict[str, str]) -> dict[str, Any]:
        from joserfc import jwt

        asked, now = self._codes.pop(given["code"]), int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 600, "nonce": asked["nonce"], **USER}
        key = self._other if self.forges else self._key
        self.signed_in += 1
        return {
            "access_token": secrets.token_urlsafe(),
            "token_type": "Bearer",
            "expires_in": 600,
            "id_token": jwt.encode({"alg": "RS256", "kid": "k1"}, claims, key),
        }
