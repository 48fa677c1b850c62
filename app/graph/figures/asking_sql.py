"""The statement of figures: base rows summed up by what is asked, beside the former window's, filled, ordered, cut.

Each *part* is a SELECT of the same columns: `now`, `former`, what could not be converted (`left`), and the places that
are filled. Together they are grouped once more by the keys, so that a row is there wherever one of them has it, and
no part needs to be joined to another by keys that may be NULL.
"""

from collections.abc import Sequence

from app.graph.figures.converting import rate_into
from app.graph.figures.figure_fields import FORMER, LEFT, LISTED, expressions
from app.graph.figures.sources import Base, Question, Source, Sum
from app.graph.figures.windows import stretch_of, stretches, window_of
from app.plan.catalog import AggregateRequest
from app.plan.cells import Cells
from app.plan.sql import NOTHING, Alias, Select, Sql, joined, quoted, sql, verbatim


def figure_rows(source: Source, of: str, request: AggregateRequest) -> Select:
    """One row per stretch, value of the dimensions and currency, in the order asked for."""
    return _Statement(source, of, request).select()


def _bare(name: str, prefixes: Sequence[str]) -> str:
    """A figure's name without what says whose it is."""
    return next((name.removeprefix(one) for one in prefixes if name.startswith(one)), name)


class _Statement:
    def __init__(self, source: Source, of: str, request: AggregateRequest) -> None:
        self.source, self.of, self.request, self.args = source, of, request, request.args
        by = {one.value for one in self.args.structural("by") or ()}
        self.by = [one for one in source.dimensions if one.name in by]
        interval = self.args.structural("interval")
        self.unit: str = "" if interval is None else interval.value
        if self.unit == "hour" and not source.has_hours:
            self.unit = "day"  # refused before it runs
        self.window = window_of(of, request, of_customers=source.of_customers)
        self.compares = self.window.shift is not None
        converts = source.converts and self.args.given("currency")
        self.into = self.args.param("currency", cast="text") if converts else None
        self.row = Cells("x")
        self.order = self._order()
        wanted = [*request.wanted, *self.row.used]
        self.beside = {
            prefix: base
            for prefix, base in source.beside.items()
            if any(name.startswith(prefix) for name in wanted)
        }
        # What each source says is in arrays, all of one length.
        self.listed = [*source.listed] if any(name.startswith(LISTED) for name in wanted) else []
        bare = dict.fromkeys(_bare(name, (FORMER, *self.beside)) for name in wanted)
        self.sums = {name: source.sums[name] for name in bare if name in source.sums}
        self.left = (
            [name for name, one in source.sums.items() if one.is_money] if self._tells_left(wanted) else []
        )

    def _tells_left(self, wanted: Sequence[str]) -> bool:
        return self.into is not None and any(name.startswith(LEFT) for name in wanted)

    # ── keys ──────────────────────────────────────────────────────────────────

    @property
    def keys(self) -> list[str]:
        """The columns by which rows are told apart."""
        names = ["period"] if self.unit else []
        names += ["hour"] if self.unit == "hour" else []
        names += [one.column for one in self.by]
        return [*names, "currency"] if self.source.has_money and self.into is None else names

    def _order(self) -> list[Sql]:
        known, out = expressions(self.source.values), []
        for item in self.args.structural("orderBy") or ():
            name: str = item["field"].value
            if name == "period" and not self.unit:
                continue
            value = (
                sql("({x.period} - '2000-01-01'::date)", x=self.row)
                if name == "period"
                else known[name](self.row)
            )
            descends = item["direction"] is not None and item["direction"].value == "desc"
            # Negated, not DESC: what is unknown comes last either way.
            out.append(sql("-({value})", value=value) if descends else value)
        return [*out, *(self.row(name) for name in self.keys)]

    # ── the whole ─────────────────────────────────────────────────────────────

    def select(self) -> Select:
        """What the answer reads: keys, figures, the former ones, what is left, each by its name."""
        x = Alias("x")
        names: dict[str, Sql] = {"period": sql("NULL::date"), "hour": sql("NULL::int")}
        names |= {one.column: sql("NULL::{cast}", cast=one.cast) for one in self.source.dimensions}
        names |= {name: x(name) for name in self.keys}
        if self.into is not None:
            names["currency"] = self.into
        names["compared"] = sql("true") if self.compares else sql("false")
        for name, one in self.sums.items():
            names[name] = x(name)
            names |= {prefix + name: x(prefix + name) for prefix in self.beside}
            names[FORMER + name] = x(FORMER + name) if self.compares else verbatim(one.nothing + "::numeric")
        names |= self._left_names(x)
        names |= {LISTED + name: x(LISTED + name) for name in self.listed}
        rows = self._rows()
        if self.args.given("first"):
            # Where nothing tells rows apart there is one, which a constant could not order.
            order = sql("ORDER BY {order}", order=joined(", ", self.order)) if self.order else NOTHING
            rows = sql(
                "SELECT * FROM ({rows}) x {order} LIMIT {first}",
                rows=rows,
                order=order,
                first=self.args.param("first", cast="bigint"),
            )
        return Select(names, sql("({rows}) x", rows=rows), order=self.order)

    def _left_names(self, x: Alias) -> dict[str, Sql]:
        names: dict[str, Sql] = {}
        if self.source.converts:
            told = bool(self.left)
            names[LEFT + "currency"] = x(LEFT + "currency") if told else sql("'{{}}'::text[]")
            for name, one in self.source.sums.items():
                if one.is_money:
                    names[LEFT + name] = x(LEFT + name) if told else sql("'{{}}'::numeric[]")
        return names

    def _rows(self) -> Sql:
        total = not (self.unit or self.by)
        fills = total or (bool(self.args.structural("fill")) and (self.window.has_ends or not self.unit))
        if not (self.compares or self.left or fills or self.beside or self.listed):
            return self._part("now", self.window.since, self.window.until)
        parts = [self._part("now", self.window.since, self.window.until)]
        if self.compares:
            parts.append(self._part("former", self.window.former_since, self.window.former_until))
        if self.left:
            parts.append(self._left())
        for prefix, base in self.beside.items():
            parts.append(self._part(prefix, self.window.since, self.window.until, base))
        if self.listed:
            parts.append(self._listed())
        together = joined(" UNION ALL ", parts)
        if not fills:
            return self._grouped(together)
        return sql(
            "WITH parts AS MATERIALIZED ({parts}) {grouped}",
            parts=together,
            grouped=self._grouped(sql("SELECT * FROM parts UNION ALL {places}", places=self._places())),
        )

    def _grouped(self, parts: Sql) -> Sql:
        names = [sql("u.{key}", key=key) for key in self.keys]
        for name, one in self.sums.items():
            shown = [("now", ""), *((("former", FORMER),) if self.compares else ())]
            for which, prefix in [*shown, *((prefix, prefix) for prefix in self.beside)]:
                names.append(
                    sql(
                        "coalesce(max(u.{name}) FILTER (WHERE u.part = {which}), {nothing}) AS {shown}",
                        name=name,
                        which=quoted(which),
                        nothing=verbatim(one.nothing),
                        shown=prefix + name,
                    )
                )
        names += [
            sql("coalesce(max(u.{name}), '{{}}') AS {name}", name=name) for name, _ in self._array_columns
        ]
        return sql(
            "SELECT {names} FROM ({parts}) u {group}",
            names=joined(", ", names or [sql("1 AS one")]),
            parts=parts,
            group=self._group([sql("u.{key}", key=key) for key in self.keys]),
        )

    def _group(self, keys: list[Sql]) -> Sql:
        if not keys:
            # One group, unless there is nothing.
            return sql("HAVING count(*) > 0")
        return sql("GROUP BY {keys}", keys=joined(", ", keys))

    @property
    def _array_columns(self) -> list[tuple[str, str]]:
        """Columns that some parts alone have: names and types."""
        left = [LEFT + name for name in ("currency", *self.left)] if self.left else []
        return [
            *((name, "numeric[]" if at else "text[]") for at, name in enumerate(left)),
            *((LISTED + name, "numeric[]" if at else "text[]") for at, name in enumerate(self.listed)),
        ]

    def _no_arrays(self, begins: str = "") -> list[Sql]:
        """NULL for array columns that do not begin so."""
        return [
            sql("NULL::{cast} AS {name}", cast=verbatim(cast), name=name)
            for name, cast in self._array_columns
            if not begins or not name.startswith(begins)
        ]

    # ── the parts ─────────────────────────────────────────────────────────────

    def _part(self, which: str, since: Sql | None, until: Sql | None, rows: Base | None = None) -> Sql:
        """Keys and figures of a window; of the former one, each day counts for the one it is compared with."""
        p = Cells("base")
        day = p("day") if self.unit else NOTHING
        if self.unit and which == "former":
            day = sql(
                "least({until}, greatest({since}, ({day} + {shift})::date))",
                day=day,
                since=self.window.since or NOTHING,
                until=self.window.until or NOTHING,
                shift=self.window.shift or NOTHING,
            )
        keys = self._key_values(p, day)
        names = [sql("{which}::text AS part", which=quoted(which)), *self._named(keys)]
        names += [
            sql("{total} AS {name}", total=self._total(p, one), name=name) for name, one in self.sums.items()
        ]
        names += self._no_arrays()
        return sql(
            "SELECT {names} FROM ({base}) base {group}",
            names=joined(", ", names),
            base=self._base(p, since, until, rows),
            group=self._group(list(keys.values())),
        )

    def _listed(self) -> Sql:
        """What each source says, as arrays by its name."""
        p = Cells("base")
        keys = self._key_values(p, p("day") if self.unit else NOTHING)
        key, *figures = self.listed
        in_each = sql(
            "SELECT {names} FROM ({base}) base GROUP BY {keys}",
            names=joined(
                ", ",
                [
                    *self._named(keys),
                    sql("{x} AS kept", x=p(key)),
                    *(
                        sql("{total} AS {name}", total=self._total(p, self.source.sums[name]), name=name)
                        for name in figures
                    ),
                ],
            ),
            base=self._base(p, self.window.since, self.window.until, self.source.each),
            keys=joined(", ", [*keys.values(), p(key)]),
        )
        names = [sql("'listed'::text AS part"), *(sql("l.{key}", key=one) for one in keys)]
        names += [sql("NULL AS {name}", name=name) for name in self.sums]
        names += [
            sql("NULL::{cast} AS {name}", cast=verbatim(cast), name=name)
            for name, cast in self._array_columns
            if name.startswith(LEFT)
        ]
        names.append(sql("array_agg(l.kept ORDER BY l.kept) AS {name}", name=LISTED + key))
        names += [sql("array_agg(l.{n} ORDER BY l.kept) AS {name}", n=n, name=LISTED + n) for n in figures]
        return sql(
            "SELECT {names} FROM ({in_each}) l {group}",
            names=joined(", ", names),
            in_each=in_each,
            group=self._group([sql("l.{key}", key=one) for one in keys]),
        )

    def _left(self) -> Sql:
        """What had no rate into the currency of the answer, as arrays by currency."""
        p = Cells("base")
        keys = self._key_values(p, p("day") if self.unit else NOTHING)
        in_each = sql(
            "SELECT {names} FROM ({base}) base WHERE {unknown} GROUP BY {keys}",
            names=joined(
                ", ",
                [
                    *self._named(keys),
                    sql("{p.currency} AS kept", p=p),
                    *(
                        sql("{total} AS {name}", total=self.source.sums[name].total(p, p), name=name)
                        for name in self.left
                    ),
                ],
            ),
            unknown=sql("{p.rate} IS NULL", p=p),
            base=self._base(p, self.window.since, self.window.until),
            keys=joined(", ", [*keys.values(), p("currency")]),
        )
        some = sql(
            "num_nonnulls({all}) > 0", all=joined(", ", [sql("nullif(l.{n}, 0)", n=n) for n in self.left])
        )
        names = [sql("'left'::text AS part"), *(sql("l.{key}", key=key) for key in keys)]
        names += [sql("NULL AS {name}", name=name) for name in self.sums]
        names.append(sql("array_agg(l.kept ORDER BY l.kept) AS {name}", name=LEFT + "currency"))
        names += [sql("array_agg(l.{n} ORDER BY l.kept) AS {name}", n=n, name=LEFT + n) for n in self.left]
        names += self._no_arrays(LEFT)
        return sql(
            "SELECT {names} FROM ({in_each}) l WHERE {some} {group}",
            names=joined(", ", names),
            in_each=in_each,
            some=some,
            group=self._group([sql("l.{key}", key=key) for key in keys]),
        )

    def _places(self) -> Sql:
        """Every stretch, for every value of the other keys that occurs."""
        others = [key for key in self.keys if key not in ("period", "hour")]
        names = [sql("'place'::text")]
        sources = []
        if self.unit:
            names.append(sql("s.period"))
            sources.append(stretches(self.unit, self.window))
        if self.unit == "hour":
            names.append(sql("h.hour"))
            sources.append(sql("generate_series(0, 23) h(hour)"))
        if others:
            names += [sql("k.{key}", key=key) for key in others]
            sources.append(sql("({values}) k", values=self._values(others)))
        names += [sql("NULL") for _ in (*self.sums, *self._array_columns)]
        rows = joined(" CROSS JOIN ", sources or [sql("(SELECT 1) one")])
        return sql("SELECT {names} FROM {rows}", names=joined(", ", names), rows=rows)

    def _values(self, others: list[str]) -> Sql:
        found = sql(
            "SELECT DISTINCT {keys} FROM parts", keys=joined(", ", [sql("{key}", key=key) for key in others])
        )
        if others != ["currency"]:
            return found
        # A total of nothing is in the currency things here have.
        return sql(
            "{found} UNION ALL SELECT {usual} WHERE NOT EXISTS (SELECT FROM parts)",
            found=found,
            usual=self._usual(),
        )

    def _usual(self) -> Sql:
        if self.of == "Campaign":
            c = self.request.table("Campaign", "uc")
            return sql(
                "(SELECT {c.currency} FROM {c} WHERE {c.scope} AND {c.id} = {parent})",
                c=c,
                parent=self.request.parent or NOTHING,
            )
        g = self.request.table("CustomerGroup", "ug")
        return sql("(SELECT {g.currency} FROM {g} WHERE {g.scope})", g=g)

    # ── base rows ─────────────────────────────────────────────────────────────

    def _key_values(self, p: Cells, day: Sql) -> dict[str, Sql]:
        return {key: stretch_of(self.unit, day) if key == "period" else p(key) for key in self.keys}

    @staticmethod
    def _named(keys: dict[str, Sql]) -> list[Sql]:
        return [sql("{value} AS {name}", value=value, name=name) for name, value in keys.items()]

    def _total(self, p: Cells, one: Sum) -> Sql:
        """The sum, in the currency of the answer: each row rounded, so that breakdowns add up to the whole."""
        if self.into is None:
            return one.total(p, p)
        return one.total(p, lambda column: sql("round({x} * {p.rate}, 4)", x=p(column), p=p))

    def _base(self, p: Cells, since: Sql | None, until: Sql | None, rows: Base | None = None) -> Sql:
        """Rows of the window, with the columns that were read of `p`, and the rate of each if there is one."""
        needs = set(p.used) - {"rate"}
        rated = "rate" in p.used
        if rated:
            needs |= {"day", "currency"}
        base = rows or self.source.base
        select = base(Question(self.request, self.of, frozenset(needs), since, until))
        select.names = {name: select.names[name] for name in sorted(needs)} or {"one": sql("1")}
        if not rated:
            return select.sql()
        # LIMIT: so that a rate stays something to be joined, and is looked for once per day and currency.
        return sql(
            """
            SELECT raw.*, l.rate FROM ({rows}) raw
            LEFT JOIN LATERAL (SELECT {rate} AS rate LIMIT 1) l ON true
            """,
            rate=rate_into(self.request, Alias("raw"), self.into or NOTHING),
            rows=select.sql(),
        )
