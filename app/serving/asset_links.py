"""`GET /assets/{id}?group=…&expires=…&signature=…`: a file, for whoever holds a link that is still valid.

The signature is the credential. An uploaded file never runs under our origin: no sniffing, a sandbox, and only plain
images and PDF open in the browser.
"""

from datetime import UTC, datetime
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from app.db.database import Database
from app.domain.assets.operations import find_file
from app.domain.assets.storage import AssetStorage
from app.domain.assets.types import INLINE
from app.errors import NotFound
from app.serving.bodies import FILES
from app.serving.exchange import exchange_of
from app.values.scope import Scope

GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "private, max-age=300",
}


class AssetLinks:
    """Follows the links that `AssetStorage.link` makes."""

    def __init__(self, db: Database, storage: AssetStorage) -> None:
        self._db = db
        self._storage = storage

    async def answer(self, request: Request) -> Response:
        """The file, a bucket's own link to it, or why not."""
        exchange_of(request.scope).knock(FILES)
        asset_id = whole(request.path_params["id"])
        group_id = whole(request.query_params.get("group", ""))
        expires = whole(request.query_params.get("expires", ""))
        if asset_id is None or group_id is None or expires is None:
            return refused(404, "There is no such file.")
        signature = request.query_params.get("signature", "")
        holds = self._storage.verify(
            asset_id=asset_id,
            group_id=group_id,
            expires=expires,
            signature=signature,
            now=datetime.now(UTC),
        )
        if not holds:
            return refused(403, "This link does not hold, or no longer: ask for the asset's url again.")
        try:
            async with self._db.transaction(Scope(group_id)) as tx:
                file = await find_file(tx, asset_id)
            direct = await self._storage.direct_link(file.storage_key)
            if direct is not None:
                return RedirectResponse(direct, 302, {"Cache-Control": "no-store"})
            pieces = await self._storage.get(file.storage_key)
        except NotFound:
            return refused(404, "There is no such file.")
        place = "inline" if file.content_type in INLINE else "attachment"
        headers = {
            **GUARDS,
            "Content-Length": str(file.size),
            "Content-Disposition": f"{place}; filename*=UTF-8''{quote(file.name, safe='')}",
            "ETag": f'"{file.sha256}"',
        }
        # Set as a header: Starlette would add a charset to text types, and nobody knows which they have.
        return StreamingResponse(pieces, headers={**headers, "Content-Type": file.content_type})


def refused(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status, {"Cache-Control": "no-store"})


def whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
