"""python-socketio: a websocket, and long polling where there is none."""

from __future__ import annotations

import socketio

from tests.third_party.door import behind_door

server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins=[])
app, gate = behind_door(socketio.ASGIApp(server, socketio_path="socket.io"))
