"""`GET /imports/{id}/{part}?group=…&expires=…&signature=…`: rows that an import refused, and why they were refused.

The signature is the credential, as with assets (`asset_links.py`).
"""

from datetime import UTC, datetime
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.domain.imports.files import find_part, link_name
from app.errors import NotFound
from app.serving.asset_links import GUARDS, refused, whole
from app.serving.bodies import FILES
from app.serving.exchange import exchange_of
from app.values.scope import Scope


class ImportLinks:
    """Follows the links to files that imports made."""

    def __init__(self, db: Database, storage: AssetStorage) -> None:
        self._db = db
        self._storage = storage

    async def answer(self, request: Request) -> Response:
        """The file, a bucket's own link to it, or why not."""
        exchange_of(request.scope).knock(FILES)
        ident, part = whole(request.path_params["id"]), request.path_params["part"]
        group_id = whole(request.query_params.get("group", ""))
        expires = whole(request.query_params.get("expires", ""))
        if ident is None or group_id is None or expires is None:
            return refused(404, "There is no such file.")
        holds = self._storage.verify(
            asset_id=link_name(ident, part),
            group_id=group_id,
            expires=expires,
            signature=request.query_params.get("signature", ""),
            now=datetime.now(UTC),
        )
        if not holds:
            return refused(403, "This link does not hold, or no longer: ask for the import's links again.")
        try:
            async with self._db.transaction(Scope(group_id)) as tx:
                file = await find_part(tx, ident, part)
            direct = await self._storage.direct_link(file.key)
            if direct is not None:
                return RedirectResponse(direct, 302, {"Cache-Control": "no-store"})
            pieces = await self._storage.get(file.key)
        except NotFound:
            return refused(404, "There is no such file.")
        headers = {
            **GUARDS,
            # They hold what identifies customers: nothing on the way keeps them.
            "Cache-Control": "private, no-store",
            "Content-Length": str(file.size),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
            "Content-Type": "application/octet-stream",
        }
        return StreamingResponse(pieces, headers=headers)
