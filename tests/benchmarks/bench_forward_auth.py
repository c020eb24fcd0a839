"""The price of a forward-auth hop: nginx asks a second server about each request.

Many put their second factor into a service of its own, which the proxy asks with ``auth_request``. Here that service only opens
the session, so it is the least that such a hop can cost. The app and the service are uvicorn with one worker each.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks._host import session_cookie
from tests.benchmarks.bench_servers import Rows, foot, head, measure, report, served
from tests.stores.servers import free_ports

CONFIGURATION = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream app {{ server 127.0.0.1:{app}; keepalive 32; }}
  upstream auth {{ server 127.0.0.1:{auth}; keepalive 32; }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  keepalive_requests 1000000;
  server {{ listen 127.0.0.1:{straight}; location / {{ proxy_pass http://app; }} }}
  server {{
    listen 127.0.0.1:{asking};
    location / {{ auth_request /auth; proxy_pass http://app; }}
    location = /auth {{ internal; proxy_pass http://auth/; proxy_pass_request_body off; proxy_set_header Content-Length ""; }}
  }}
}}
"""


@contextmanager
def nginx(folder: Path, **ports: int) -> Iterator[subprocess.Popen[bytes]]:
    """A proxy with two doors: ``straight`` to the app, and ``asking`` the service first."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, **ports))
    process = subprocess.Popen([program, "-c", str(configuration), "-e", str(folder / "error.log")])
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Measure in turn, and print."""
    app, auth, straight, asking = free_ports(4)
    cookies = session_cookie().decode()
    with (
        tempfile.TemporaryDirectory() as folder,
        served("uvicorn", app, "", "") as host,
        served("uvicorn", auth, "", "") as service,
        nginx(Path(folder), app=app, auth=auth, straight=straight, asking=asking) as proxy,
    ):
        head()
        rows: Rows = {
            "nginx, app": (straight, (proxy, host)),
            "nginx with auth_request, app": (asking, (proxy, host, service)),
        }
        report(measure(rows, cookies), "with the hop over without")
    foot()


if __name__ == "__main__":
    main()
