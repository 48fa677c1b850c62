"""`/graphql` over WebSocket, by the protocol graphql-transport-ws: who may open a socket, and from where.

The credential comes with the handshake or, since browsers cannot set headers there, in `connection_init`, under the
names of the headers.
"""

from starlette.types import Receive, Scope, Send

from app.auth.credentials import Authenticator
from app.graph.live.conversations import ROUTE, Conversation, Home
from app.graph.live.messages import PROTOCOL, Close
from app.graph.live.subscriptions import Subscriptions
from app.graph.live.watching import Watches
from app.graph.running.context import Services
from app.serving.addresses import address_of
from app.serving.exchange import Exchange, exchange_of
from app.serving.preferences import base_url
from app.serving.strangers import Waiting


class GraphQLOverSockets:
    """The ASGI application at `/graphql` for WebSockets."""

    def __init__(
        self, services: Services, authenticator: Authenticator, subscriptions: Subscriptions, watches: Watches
    ) -> None:
        self._home = Home(services, authenticator, subscriptions, watches)
        self._unknown = Waiting()
        """Conversations that have not said who they are. The others are counted as lines."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket until it is closed."""
        exchange = exchange_of(scope)
        exchange.route = ROUTE
        exchange.address = address_of(scope)
        await receive()
        if not self._welcomes(exchange, scope):
            exchange.status = 403
            await send({"type": "websocket.close", "code": Close.FORBIDDEN})
            return
        known = PROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL if known else None})
        socket = Conversation(self._home, exchange, _our_base_url(scope, exchange), receive, send)
        if not known:
            await socket.close(Close.NO_SUBPROTOCOL, f"Speak {PROTOCOL} here.")
            return
        self._unknown.add(socket, socket.make_room)
        try:
            await socket.serve(when_known=lambda: self._unknown.remove(socket))
        finally:
            self._unknown.remove(socket)

    def _welcomes(self, exchange: Exchange, scope: Scope) -> bool:
        """Whether a browser may connect from the page that asks it to. Others send no Origin."""
        origin = exchange.header(b"origin")
        allowed = self._home.services.settings.cors_origins
        return (
            origin is None or origin in allowed or "*" in allowed or origin == _our_base_url(scope, exchange)
        )


def _our_base_url(scope: Scope, exchange: Exchange) -> str:
    scheme = "https" if scope["scheme"] in ("wss", "https") else "http"
    return base_url(scheme, exchange.headers.get(b"host"))
