"""A tree of selected fields → one statement whose only value is the JSON text of `data`.

Pure translation. Lists page first, join after, build last; nested lists are correlated sub-selects. Text is
concatenated, not built by JSON functions. What cannot be expressed raises `Unplannable`, and the operation runs
on the resolvers.
"""

from app.plan.arguments import FieldArguments
from app.plan.binding import Bindings
from app.plan.catalog import (
    Aggregate,
    AggregateRequest,
    ByIds,
    Catalog,
    Column,
    Embed,
    Entity,
    Fact,
    Field,
    Many,
    News,
    Parts,
    RootRow,
    ToOne,
)
from app.plan.cells import Cells, Level, part_of, prefixed, unnested
from app.plan.collect import Selected, Tree, is_list, node_type
from app.plan.connections import ConnectionParts, in_list
from app.plan.kinds import nullable
from app.plan.news import head_of_news
from app.plan.pages import STRUCTURAL, Page, page_of, rows_of
from app.plan.references import id_of, ids_of
from app.plan.scoping import GROUP, STORE, Tables, scoped_table
from app.plan.sql import (
    NOTHING,
    Alias,
    Select,
    Sql,
    Statement,
    also,
    bound,
    joined,
    print_sql,
    sql,
    verbatim,
    whole,
)
from app.plan.text import Subselect, Text, subselect
from app.values.scope import ScopeShape


class Unplannable(Exception):
    """The reason why an operation runs on the resolvers."""


def compile_tree(catalog: Catalog, tree: Tree, shape: ScopeShape) -> Statement:
    """The statement of a whole query under scopes of this shape: its value is `{"data": …}`."""
    compiler = _Compiler(catalog, shape)
    text = compiler.object(tree.roots, catalog.entities[tree.root_type], Cells(""), Level())
    body = Text().literal('{"data":').add(text).literal("}")
    source = NOTHING
    one = body.pieces[1] if len(body.pieces) == 3 else None
    if isinstance(one, Subselect):
        # One root list and nothing else: its rows are built into the body itself, not into a text that is copied there.
        body.pieces[1] = one.inner
        source = sql("FROM {rows}", rows=one.source)
    if compiler.head.parts:
        return print_sql(
            sql(
                "SELECT {head} convert_to({body}, 'UTF8') {source}",
                head=compiler.head,
                body=body.sql(),
                source=source,
            )
        )
    # OFFSET keeps the text from being made once to look at its length and once to print it.
    return print_sql(
        sql(
            """
            SELECT CASE WHEN octet_length(made.answer) <= {most} THEN convert_to(made.answer, 'UTF8') ELSE '' END
            FROM (SELECT {body} AS answer {source} OFFSET 0) AS made
            """,
            most=MAX_BYTES,
            body=body.sql(),
            source=source,
        )
    )


def compile_made(catalog: Catalog, selected: Selected, shape: ScopeShape, *, many: bool) -> Statement:
    """The statement that prints the rows a mutation wrote: their ids are the fact `written`."""
    entity = catalog.entities[selected.target]
    compiler = _Compiler(catalog, shape)
    if not many:
        key = bound(("made",), entity.id_cast, _made)
        row = compiler.found(selected.inside, entity, key, written=True).sql()
        return print_sql(sql("SELECT {row}", row=row))
    row = compiler.found(selected.inside, entity, sql("made.id"), written=True).sql()
    return print_sql(
        sql(
            """
            SELECT '[' || coalesce(string_agg({row}, ',' ORDER BY made.place), '') || ']'
            FROM unnest({keys}) WITH ORDINALITY made(id, place)
            """,
            row=row,
            keys=bound(("made",), f"{entity.id_cast}[]", _made),
        )
    )


MAX_BYTES = bound(("max_bytes",), "int", lambda b: b.facts.max_bytes)
"""How large an answer may be. A larger one is the empty text, found out before it is sent."""


def _made(bindings: Bindings) -> object:
    return bindings.facts.written


class _Compiler:
    def __init__(self, catalog: Catalog, shape: ScopeShape) -> None:
        self.catalog = catalog
        self.shape = shape
        self.head = NOTHING
        """What the answer begins with, before its text: what is to be known of news."""
        self._aliases = 0

    def alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"

    # ── objects and their fields ──────────────────────────────────────────────

    def object(
        self, fields: list[Selected], entity: Entity, row: Cells, level: Level, embed: Embed | None = None
    ) -> Text:
        text = Text().literal("{")
        for at, selected in enumerate(fields):
            text.literal(("," if at else "") + f'"{selected.key}":')
            if selected.name == "__typename":
                text.literal(f'"{selected.parent}"')
                continue
            field = (embed.columns.get(selected.name) if embed else None) or entity.fields.get(selected.name)
            if field is None:
                reason = self.catalog.unplanned.get(f"{selected.parent}.{selected.name}", "not declared")
                raise Unplannable(f"{selected.parent}.{selected.name}: {reason}")
            text.add(self.field(selected, field, row, level))
        return text.literal("}")

    def field(self, selected: Selected, field: Field, row: Cells, level: Level) -> Text:
        match field:
            case Column():
                shown = field.values(row, Tables(self.catalog, self.shape))
                return nullable(field.kind, shown, may_be_null=not selected.non_null)
            case Fact():
                param = bound(("fact", selected.parent, selected.name), field.cast, field.read)
                return nullable(field.kind, [param], may_be_null=not selected.non_null)
            case Embed():
                return self.embedded(selected, field, row, level)
            case ToOne():
                return self.to_one(selected, field, row, level)
            case RootRow():
                return self.lookup(selected, field)
            case Many():
                return (
                    self.connection(selected, field, row)
                    if field.connection
                    else self.listing(selected, field, row)
                )
            case Aggregate():
                return self.aggregate(selected, field, row)
            case Parts():
                return self.parts(selected, field, row)
            case ByIds():
                return self.by_ids(selected) if field.many else self.by_id(selected)

    def embedded(self, selected: Selected, field: Embed, row: Cells, level: Level) -> Text:
        inner = prefixed(row, field.prefix)
        text = self.object(selected.inside, self.catalog.entities[selected.target], inner, level, field)
        if field.present is None:
            return text
        return Text().add(
            sql(
                "CASE WHEN {present} THEN {text} ELSE 'null' END", present=field.present(row), text=text.sql()
            )
        )

    # ── one row ───────────────────────────────────────────────────────────────

    def to_one(self, selected: Selected, field: ToOne, row: Cells, level: Level) -> Text:
        entity = self.catalog.entities[selected.target]
        other = Cells(self.alias())
        theirs, ours = (field.key, "id") if field.reverse else ("id", field.key)
        level.joins.append(
            sql(
                "LEFT JOIN {table} ON {table.scope} AND {theirs} = {ours}",
                table=scoped_table(self.catalog, entity, other.alias, self.shape),
                theirs=other(theirs),
                ours=row(ours),
            )
        )
        text = self.object(selected.inside, entity, other, level)
        if selected.non_null:
            return text
        return Text().add(
            sql("CASE WHEN {other.id} IS NULL THEN 'null' ELSE {text} END", other=other, text=text.sql())
        )

    def lookup(self, selected: Selected, field: RootRow) -> Text:
        entity = self.catalog.entities[selected.target]
        if field.scope_key:
            key = GROUP if field.scope_key == "group" else STORE
        else:
            key = self.args(selected).param(
                "id", cast=entity.id_cast, convert=id_of(entity.prefix, entity.id_cast)
            )
        return self.found(selected.inside, entity, key, non_null=selected.non_null)

    def found(
        self,
        fields: list[Selected],
        entity: Entity,
        key: Sql,
        *,
        non_null: bool = False,
        written: bool = False,
    ) -> Text:
        """`written`: a payload's row, which is shown even if lists hide it because it was deleted."""
        row, level = Cells(self.alias()), Level()
        text = self.object(fields, entity, row, level)
        hides = [verbatim(f"{row.alias}.{entity.alive}")] if entity.alive and not written else []
        found = sql(
            "(SELECT {text} FROM {table} {joins} WHERE {table.scope} AND {row.id} = {key} {alive})",
            text=text.sql(),
            table=scoped_table(self.catalog, entity, row.alias, self.shape),
            joins=level.joined(),
            row=row,
            key=key,
            alive=also(hides),
        )
        return Text().add(found if non_null else sql("coalesce({found}, 'null')", found=found))

    def by_id(self, selected: Selected) -> Text:
        prefix = str(selected.values["id"]).rpartition("_")[0]
        entity = self.catalog.by_prefix(prefix)
        if entity is None:
            return Text().literal("null")
        key = self.args(selected).param(
            "id", cast=entity.id_cast, convert=id_of(entity.prefix, entity.id_cast, of_any_kind=True)
        )
        return self.found(selected.children[entity.name], entity, key)

    def by_ids(self, selected: Selected) -> Text:
        """One scalar sub-select per kind of id, tried for each id; ids keep their places."""
        prefixes = {str(i).rpartition("_")[0] for i in selected.values["ids"]}
        entities = [e for e in (self.catalog.by_prefix(p) for p in sorted(prefixes)) if e is not None]
        args, row = self.args(selected), Alias(self.alias())
        arrays: list[Sql] = []
        cases: list[Sql] = []
        for at, entity in enumerate(entities):
            arrays.append(
                args.param(
                    "ids",
                    cast=f"{entity.id_cast}[]",
                    convert=ids_of(entity.prefix, entity.id_cast, of_any_kind=True),
                )
            )
            key = row(f"k{at}")
            found = self.found(selected.children[entity.name], entity, key).sql()
            cases.append(sql("WHEN {key} IS NOT NULL THEN {found}", key=key, found=found))
        if not entities:
            arrays.append(args.param("ids", cast="text[]"))
        names = ", ".join(f"k{at}" for at in range(len(arrays)))
        shown = sql("CASE {cases} ELSE 'null' END", cases=joined(" ", cases)) if cases else sql("'null'")
        ids = sql(
            "unnest({arrays}) WITH ORDINALITY {row}({names}, place)",
            arrays=joined(", ", arrays),
            row=row.alias,
            names=verbatim(names),
        )
        return subselect(in_list(Text().add(shown), row("place")), ids)

    # ── many rows ─────────────────────────────────────────────────────────────

    def listing(self, selected: Selected, field: Many, row: Cells) -> Text:
        entity = self.catalog.entities[selected.target]
        item, level = Cells(self.alias()), Level()
        if isinstance(field, News):
            assert field.columns is not None
            self.head = head_of_news(item, field.columns)
        page = self.page(selected, field, entity, item, row)
        text = self.object(selected.inside, entity, item, level)
        listed = in_list(text, joined(", ", page.ordering.sql(item)))
        return subselect(listed, self.from_page(page, item, level))

    def page(
        self, selected: Selected, field: Many, entity: Entity, item: Cells, row: Cells, *, peek: bool = False
    ) -> Page:
        parent = row("id") if field.key else None
        # Conditions use columns of the table itself, which the sub-select need not return.
        inner = Cells(item.alias)
        return page_of(
            self.catalog, entity, field, self.args(selected),
            alias=item.alias, parent=parent, shape=self.shape, row=inner, peek=peek,
        )  # fmt: skip

    def from_page(self, page: Page, item: Cells, level: Level, ranked: Sql | None = None) -> Sql:
        """FROM and WHERE: the table itself, or the limited page in a sub-select before anything is joined."""
        select = page.select
        if select.limit is None and select.offset is None and ranked is None:
            select.joins = level.joined()
            return select.rows
        table = Alias(item.alias)
        select.names = {column: table(column) for column in sorted(item.used) if column != "rn"}
        if ranked is not None:
            select.names["rn"] = ranked
        select.names = select.names or {"one": whole(1)}
        return self.beside(select, item, level)

    def beside(self, select: Select, item: Cells, level: Level) -> Sql:
        """The rows of a sub-select, with what is joined to them."""
        return sql("({rows}) {item} {joins}", rows=select.sql(), item=item.alias, joins=level.joined())

    def connection(self, selected: Selected, field: Many, row: Cells) -> Text:
        entity = self.catalog.entities[node_type(selected)]
        item, level = Cells(self.alias()), Level()
        fields = selected.inside
        peek = any(f.name == "pageInfo" for f in fields)
        page = self.page(selected, field, entity, item, row, peek=peek)

        def write(inside: list[Selected]) -> Text:
            return self.object(inside, entity, item, level)

        parts = ConnectionParts(write, page, item, peek=peek)
        text = Text().literal("{")
        for at, inner in enumerate(fields):
            text.literal(("," if at else "") + f'"{inner.key}":')
            match inner.name:
                case "__typename":
                    text.literal(f'"{inner.parent}"')
                case "totalCount":
                    text.add(self.count(selected, field, entity, row))
                case "nodes":
                    text.add(parts.listed(write(inner.inside)))
                case "edges":
                    text.add(parts.listed(parts.edge(inner.inside)))
                case "pageInfo":
                    text.add(parts.page_info(inner.inside, self.args(selected)))
                case _:
                    raise Unplannable(f"{inner.parent}.{inner.name}: not declared")
        text.literal("}")
        if not parts.looks_at_rows:
            return text
        ranked = parts.rank() if parts.ranked else None
        rows = self.from_page(page, item, level, ranked)
        return Text().add(sql("(SELECT {text} FROM {rows})", text=text.sql(), rows=rows))

    def count(self, selected: Selected, field: Many, entity: Entity, row: Cells) -> Text:
        item = Cells(self.alias())
        parent = row("id") if field.key else None
        source, where = rows_of(
            self.catalog,
            entity,
            field,
            self.args(selected),
            alias=item.alias,
            parent=parent,
            shape=self.shape,
            row=item,
        )
        return Text().add(sql("(SELECT count(*)::text FROM {rows})", rows=Select({}, source, where).rows))

    def aggregate(self, selected: Selected, field: Aggregate, row: Cells) -> Text:
        entity = self.catalog.entities[selected.target]
        item, level = Cells(self.alias()), Level()
        text = (
            self.object(selected.inside, entity, item, level)
            if field.embed is None
            else self.embedded(selected, field.embed, item, level)
        )

        parent = row("id") if row.alias else None
        tables = Tables(self.catalog, self.shape)
        request = AggregateRequest(parent, self.args(selected), tables, list(item.used), self.shape)
        select = field.build(request)
        order = select.order_in_columns()
        names = {name: select.names[name] for name in dict.fromkeys([*item.used, *order])}
        select.names = names or {"one": whole(1)}
        by = joined(", ", [Alias(item.alias)(name) for name in order])
        listed = in_list(text, by) if is_list(selected.definition) else text
        return subselect(listed, self.beside(select, item, level))

    def parts(self, selected: Selected, field: Parts, row: Cells) -> Text:
        item, level = part_of(field, row, self.alias()), Level()
        text = self.object(selected.inside, self.catalog.entities[selected.target], item, level)
        listed = in_list(text, Alias(item.alias)("place"))
        rows = sql("{rows} {joins}", rows=unnested(field, item, row), joins=level.joined())
        return subselect(listed, rows)

    def args(self, selected: Selected) -> FieldArguments:
        return FieldArguments(selected.values, slot=selected.slot, structural=STRUCTURAL)
