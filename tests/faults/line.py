"""The line between the service and its database, which can be slow, cut or silent: a proxy on a Unix socket."""

import asyncio
from contextlib import suppress
from pathlib import Path
from threading import Thread

from sqlalchemy.engine import make_url

from deploy.cluster import PORT, Cluster


class Line:
    """Everything that is said to the cluster over `url` goes through here."""

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        self.delay = 0.0  # seconds for each piece, in either direction
        self._cluster, self._directory = cluster, directory
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._heard = asyncio.Event()
        self._heard.set()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        listening = asyncio.start_unix_server(self._accept, directory / f".s.PGSQL.{PORT}")
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)

    def url(self, **options: str) -> str:
        url = make_url(self._cluster.url()).update_query_dict({"host": str(self._directory), **options})
        return url.render_as_string(hide_password=False)

    def cut(self) -> None:
        """Every connection breaks off; new ones are taken."""
        self._loop.call_soon_threadsafe(lambda: [writer.transport.abort() for writer in self._open])

    def fall_silent(self) -> None:
        """What is said is taken, and comes nowhere; new connections are taken, too."""
        self._loop.call_soon_threadsafe(self._heard.clear)

    def speak(self) -> None:
        """What was held back goes on."""
        self._loop.call_soon_threadsafe(self._heard.set)

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(str(self._cluster.socket / f".s.PGSQL.{PORT}"))
        self._open |= {writer, back}
        with suppress(OSError):
            await asyncio.gather(self._carry(reader, back), self._carry(there, writer))
        self._open -= {writer, back}

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while piece := await source.read(65536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self._heard.wait()
                target.write(piece)
                await target.drain()
        finally:
            target.close()
