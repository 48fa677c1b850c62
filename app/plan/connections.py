"""The object of a connection: rows, edges, and page info."""

from collections.abc import Callable

from app.plan.arguments import FieldArguments
from app.plan.catalog import Row
from app.plan.cells import Cells
from app.plan.collect import Selected
from app.plan.pages import Ordering, Page, cursor_json
from app.plan.sql import NOTHING, Sql, joined, sql
from app.plan.text import Text


class ConnectionParts:
    """The parts of a connection's object that depend on the page as a whole."""

    def __init__(
        self, write: Callable[[list[Selected]], Text], page: Page, item: Cells, *, peek: bool
    ) -> None:
        self.write, self.page, self.item = write, page, item
        self.ranked = peek or page.backward
        self.looks_at_rows = False
        """Whether anything selected needs the page itself (`totalCount` alone does not)."""

    def rank(self) -> Sql:
        """Each row's place on the page."""
        inner = Cells(self.item.alias)
        order = joined(", ", self.page.ordering.sql(inner, backward=self.page.backward))
        # Rows skipped by the offset are numbered too.
        offset = self.page.select.offset
        passed_over = NOTHING if offset is None else sql("- {offset}", offset=offset)
        return sql("row_number() OVER (ORDER BY {order}) {passed_over}", order=order, passed_over=passed_over)

    @property
    def within(self) -> Sql:
        """Leaves out the row that was read only to see whether there are more."""
        if not self.ranked or self.page.size is None:
            return NOTHING
        return sql("FILTER (WHERE {item}.rn <= {size})", item=self.item.alias, size=self.page.size)

    def listed(self, text: Text) -> Text:
        """`nodes` or `edges`: the rows' texts in the page's order."""
        self.looks_at_rows = True
        if self.ranked:
            order = self.place(descending=self.page.backward)
        else:
            order = joined(", ", self.page.ordering.sql(self.item))
        return in_list(text, order, self.within)

    def edge(self, fields: list[Selected]) -> Text:
        """One edge's object."""
        text = Text().literal("{")
        for at, inner in enumerate(fields):
            text.literal(("," if at else "") + f'"{inner.key}":')
            if inner.name == "__typename":
                text.literal(f'"{inner.parent}"')
            elif inner.name == "cursor":
                text.add(self.cursor())
            else:
                text.add(self.write(inner.inside))
        return text.literal("}")

    def cursor(self) -> Text:
        """The row's cursor."""
        return Text().literal('"').add(cursor_sql(self.page.ordering, self.item)).literal('"')

    def page_info(self, fields: list[Selected], args: FieldArguments) -> Text:
        """The `pageInfo` object."""
        # The offset passes rows over at the end that the page is read from.
        passed_over = (
            sql("({offset} > 0)::text", offset=args.param("offset", cast="bigint"))
            if args.given("offset")
            else sql("'false'")
        )
        back = sql("'true'") if args.given("after") else passed_over
        forth = sql("'true'") if args.given("before") else passed_over
        text = Text().literal("{")
        for at, inner in enumerate(fields):
            text.literal(("," if at else "") + f'"{inner.key}":')
            match inner.name:
                case "__typename":
                    text.literal(f'"{inner.parent}"')
                case "hasNextPage":
                    text.add(forth if self.page.backward else self.more())
                case "hasPreviousPage":
                    text.add(self.more() if self.page.backward else back)
                case "startCursor":
                    text.add(self.edge_cursor(first=not self.page.backward))
                case _:
                    text.add(self.edge_cursor(first=self.page.backward))
        return text.literal("}")

    def more(self) -> Sql:
        """Whether the row beyond the page was there."""
        self.looks_at_rows = True
        assert self.page.size is not None, "connections always have a size"
        return sql("(count(*) > {size})::text", size=self.page.size)

    def edge_cursor(self, *, first: bool) -> Sql:
        """The cursor of the first or last row shown."""
        self.looks_at_rows = True
        return sql(
            "coalesce((array_agg({cursor} ORDER BY {place}) {within})[1], 'null')",
            cursor=self.cursor().sql(),
            place=self.place(descending=not first),
            within=self.within,
        )

    def place(self, *, descending: bool) -> Sql:
        """The rows' places on the page, to order by."""
        if descending:
            return sql("{item}.rn DESC", item=self.item.alias)
        return sql("{item}.rn", item=self.item.alias)


def in_list(text: Text, order: Sql, within: Sql = NOTHING) -> Text:
    """The rows' texts as a JSON list."""
    listed = sql(
        "coalesce(string_agg({text}, ',' {by}) {within}, '')",
        text=text.sql(),
        by=sql("ORDER BY {order}", order=order) if order.parts else NOTHING,
        within=within,
    )
    return Text().literal("[").add(listed).literal("]")


def cursor_sql(ordering: Ordering, row: Row) -> Sql:
    """A cursor as text: base64url of its JSON, without line breaks and padding."""
    text = Text()
    for piece in cursor_json(ordering, row):
        text.add(piece)
    return sql(
        "translate(encode(convert_to({text}, 'UTF8'), 'base64'), E'+/=\\n', '-_')",
        text=text.sql(),
    )
