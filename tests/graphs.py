"""Random queries over the schema, and graphql-core's own execution as the oracle of ours."""

from datetime import UTC, date, datetime
from random import Random
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    execute_sync,  # pyright: ignore[reportUnknownVariableType]
    get_named_type,  # pyright: ignore[reportUnknownVariableType]
    parse,
    visit,
)

from api.graphql.execute import Prepared, make_ready, projected
from api.graphql.moments import Moments, Sent, learn_all
from api.graphql.schema import GRAPHQL_SCHEMA
from api.graphql.world import EVENT_LIST, EventFilter
from api.http.cursors import print_cursor
from api.services.reader import Reader
from domain.document.reference import REFERENCE
from projections.as_of import AsOf, Moment
from projections.lists import NoFilter
from projections.views.history import HISTORY_LIST
from projections.views.report_list import TASK_REPORTS, ReportFilter
from projections.views.task_list import TASK_LIST, TaskFilter

PLAN: Final = "shanghai-credit-2023"
CLOCKS: Final = ("", 'effectiveOn: "2023-07-01"', 'asOf: {date: "2023-06-30"}', "asOf: {position: 353}", "asOf: $at")
INSTANT: Final = 'asOf: {instant: "2023-06-30T12:00:00+08:00"}'
FILTERS: Final[dict[str, list[str]]] = {
    "part": ["2", "5"],
    "measure": ["5", "6"],
    "number": ["21", "34"],
    "unit": ['"shi-ke-wei"', '"shi-wei-sheng-jian-kang-wei"', '"nobody"'],
    "role": ["lead", "by_duty"],
    "district": ['"310115"', '"310151"'],
    "platform": [f'"{REFERENCE.platforms[0].id}"'],
    "reportedStatus": ["in_progress", "completed"],
    "scheduleStatus": ["unspecified", "overdue"],
    "q": ['"信用"', '"融资"'],
    "sort": ["due", "number_down"],
    "kind": ["group", "body"],
    "period": ['"2023-Q2"', '"2023"'],
    "status": ["in_progress", "delayed"],
    "membership": ["listed", "unlisted"],
    "evidenceStatus": ["linked", "none"],
    "task": ["21", "25", f'"{PLAN}/21"'],
    "type": ['"task.reworded.v1"', '["task.added.v1", "progress.reported.v1"]', '"no.such"'],
    "authority": ['"沪发改信用〔2023〕2号"'],
    "corrections": ["true", "false"],
    "withdrawn": ["true", "false"],
    "hasLead": ["true", "false"],
    "silentIn": ['"2023-Q3"', '"2023-08"'],
    "stream": ['"task:shanghai-credit-2023/21"'],
}
HEAD: Final = "query Q($at: AsOfInput, $yes: Boolean! = true, $no: Boolean! = false, $n: Int = 2, $c: String)"
# A moment that cursors name: whoever follows one of them stands there.
THEN: Final = Moment(600, datetime(2023, 9, 1, tzinfo=UTC), date(2023, 9, 1), "", "", "", pinned=True)
DISTRICT, PLATFORM = REFERENCE.districts[0].code, REFERENCE.platforms[0].id
STREAMS: Final = {"Plan": f"plan:{PLAN}", "District": f"district:{DISTRICT}", "Platform": f"platform:{PLATFORM}"}
DIRECTIVES: Final = ("@include(if: $yes)", "@include(if: $no)", "@skip(if: $no)", "@skip(if: $yes)", "@skip(if: false)")
DEAREST: Final = 1_500  # values, so that graphql-core has done before long


def cursor_for(owner: str, field: str) -> str:
    """A cursor that a list of this name has, if it is the list of the right thing."""
    stream = STREAMS.get(owner, f"{owner.lower()}:{PLAN}/21")
    given = {"Part": TaskFilter(part=2), "Measure": TaskFilter(measure=5)}.get(owner, TaskFilter())
    if field == "history":
        return print_cursor(HISTORY_LIST, stream, NoFilter(), THEN, (300, date(1, 1, 1)), "")
    if field == "reports":
        place = (PLAN, 21, f"{PLAN}/21/shi-wei")
        return print_cursor(TASK_REPORTS, f"{PLAN}/21", ReportFilter(), THEN, place, "")
    if field == "events":
        return print_cursor(EVENT_LIST, "" if owner == "Query" else stream, EventFilter(), THEN, (300,), "")
    return print_cursor(TASK_LIST, PLAN, given, THEN, (25, 25), "")


class Asker:
    """Asks at random; one seed, one list of questions."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - which questions are asked, nothing secret
        self._fragments: list[str] = []
        self.left = reachable()  # whoever compares an answer takes away what was reached

    def query(self) -> str:
        """A query with one root or several."""
        self._fragments = []
        roots = " ".join(f"r{number}: {self._root()}" for number in range(self.random.choice([1, 1, 2, 3])))
        known = self.random.choice(["", "", "__typename ", '__type(name: "Task") { name } '])
        used = "...At __typename @include(if: $yes) @skip(if: $no) used: __typename @skip(if: $yes)"
        return f"{HEAD} {{ {known}{roots} {used} }} {' '.join(self._fragments)} {self._at()}"

    def _at(self) -> str:
        return "fragment At on Query { at: events(first: $n, after: $c, asOf: $at) { nodes { position } } }"

    def _root(self) -> str:
        assert GRAPHQL_SCHEMA.query_type
        (name,) = self._some("Query", sorted(GRAPHQL_SCHEMA.query_type.fields), 1)
        given, field = self._arguments(name), GRAPHQL_SCHEMA.query_type.fields[name]
        given += self._page("Query", name, list(field.args)) if "first" in field.args else ""
        below = self._below(field.type, 5)
        free = "asOf" in field.args and not ("WyJ" in below + given and self.random.random() < 0.8)
        clock = self.random.choice([*CLOCKS, INSTANT]) if free else ""
        arguments = f"({given} {self._filters(name, given)} {clock})"
        return f"{name}{arguments.replace('(  )', '')} {below}"

    def _page(self, owner: str, name: str, among: list[str]) -> str:
        """Which page of a list: forwards or backwards, now and then in both ways at once."""
        ways = [one for one in (("first", "after"), ("last", "before")) if one[0] in among]
        left = [way for way in ways if any(f"{owner}.{name}({one}:)" in self.left for one in way)]
        size, place = self.random.choice(left or ways)
        number = self.random.choice([str(self.random.randint(1, 6)), "$n"])
        cursor = self.random.choice([f'"{cursor_for(owner, name)}"'] * 8 + ['"no cursor"', "$c"])
        follows = self.random.random() < (0.5 if f"{owner}.{name}({place}:)" in self.left else 0.1)
        wrong = " first: 1, last: 1" if self.random.random() < 0.01 else f" {size}: {number}"
        return f"{wrong}, {place}: {cursor}" if follows else wrong

    def _filters(self, name: str, given: str) -> str:
        """Some of the arguments that a root may leave out."""
        assert GRAPHQL_SCHEMA.query_type
        free = [one for one in GRAPHQL_SCHEMA.query_type.fields[name].args if one in FILTERS and f"{one}:" not in given]
        chosen = [one for one in free if self.random.random() < (0.3 if f"Query.{name}({one}:)" in self.left else 0.1)]
        return " ".join(f"{one}: {self.random.choice(FILTERS[one])}" for one in chosen)

    def _arguments(self, name: str) -> str:
        random = self.random
        task, unit = f"{PLAN}/{random.randint(1, 70)}", random.choice(REFERENCE.units).id
        assert GRAPHQL_SCHEMA.query_type
        args = GRAPHQL_SCHEMA.query_type.fields[name].args
        listed = f'plan: "{PLAN}"' if "plan" in args and name != "events" else ""
        return {
            "node": f'id: "{self._node()}"',
            "nodes": f"ids: [{', '.join(f'{chr(34)}{self._node()}{chr(34)}' for _ in range(random.randint(0, 5)))}]",
            "plan": f'id: "{PLAN}"',
            "part": f'plan: "{PLAN}", number: {random.randint(1, 6)}',
            "measure": f'plan: "{PLAN}", number: {random.randint(1, 17)}',
            "task": f'id: "{task}"',
            "unit": f'id: "{unit}"',
            "district": f'code: "{random.choice(REFERENCE.districts).code}"',
            "platform": f'id: "{random.choice(REFERENCE.platforms).id}"',
            "report": f'id: "{task}/{unit}/2023-06"',
            "history": f"of: {{{self._subject(task, unit)}}}",
            "diff": f"of: {{{self._subject(task, unit)}}} from: {{position: {random.randint(340, 700)}}} "
            + random.choice(["", 'fromEffectiveOn: "2023-06-30"']),
            "event": f"position: {random.randint(1, 500)}",
            "events": f'plan: "{PLAN}"' if random.random() < 0.3 else "",
        }.get(name, listed)

    def _node(self) -> str:
        """The id of something, at a moment or at none; of nothing, now and then."""
        random = self.random
        kinds = {
            "plan": PLAN,
            "part": f"{PLAN}/{random.randint(1, 6)}",
            "measure": f"{PLAN}/{random.randint(1, 17)}",
            "task": f"{PLAN}/{random.randint(1, 70)}",
            "target": f"{PLAN}/{random.randint(1, 70)}/{random.randint(1, 2)}",
            "unit": random.choice(REFERENCE.units).id,
            "district": random.choice(REFERENCE.districts).code,
            "platform": random.choice(REFERENCE.platforms).id,
            "report": f"{PLAN}/{random.choice([21, 25])}/{random.choice(REFERENCE.units).id}/2023-Q2",
            "event": str(random.randint(1, 800)),
        }
        kind = random.choice(sorted(kinds))
        moment = random.choice(["", "", "@361,2023-06-30", f"@{random.randint(300, 700)},2023-10-12"])
        return f"{kind}:{kinds[kind]}{moment}"

    def _subject(self, task: str, unit: str) -> str:
        kinds = {"plan": PLAN, "task": task, "unit": unit}
        kinds |= {"district": DISTRICT, "platform": PLATFORM}
        kind = self.random.choice(sorted(kinds))
        return f'{kind}: "{kinds[kind]}"'

    def _below(self, type_: Any, depth: int, aliased: float = 0.2) -> str:
        named: object = get_named_type(type_)  # pyright: ignore[reportUnknownVariableType]
        if isinstance(named, GraphQLInterfaceType):
            return self._any_of(named, depth)
        if not isinstance(named, GraphQLObjectType):
            return ""
        leaves = [
            name for name, one in named.fields.items() if not isinstance(get_named_type(one.type), GraphQLObjectType)
        ]
        others = [name for name in named.fields if name not in leaves]
        chosen = self._some(named.name, leaves, self.random.randint(1, 4))
        if depth and others:
            chosen += self._some(named.name, others, self.random.choice([1, 1, 2]))
        self.random.shuffle(chosen)
        fields = " ".join(self._field(named, name, depth, aliased) for name in chosen)
        return f"{{ {self._wrapped(named.name, fields or '__typename')} }}"

    def _any_of(self, type_: GraphQLInterfaceType, depth: int) -> str:
        """Fields of an interface, and of several of the types that have it, whose fields of one name may differ."""
        types = self.random.sample(GRAPHQL_SCHEMA.get_possible_types(type_), 4)
        own = self._some(type_.name, list(type_.fields), 1)
        fields = " ".join([*own, *(f"... on {one.name} {self._below(one, depth - 1, 1)}" for one in types)])
        return f"{{ {self._wrapped(type_.name, fields)} }}"

    def _some(self, owner: str, names: list[str], number: int) -> list[str]:
        """Some of a type's fields, more often than not those that were not asked for yet."""
        left = {one.partition("(")[0] for one in self.left}  # a field with an argument that is left is left, too
        fresh = [name for name in names if f"{owner}.{name}" in left]
        among = fresh if fresh and self.random.random() < 0.6 else names
        return self.random.sample(among, min(len(among), number))

    def _field(self, owner: GraphQLObjectType, name: str, depth: int, aliased: float) -> str:
        alias = f"a{self.random.randint(0, 10**9)}: " if self.random.random() < aliased else ""
        directive = f" {self.random.choice(DIRECTIVES)}" if self.random.random() < 0.1 else ""
        among = list(owner.fields[name].args)
        given = f"({self._page(owner.name, name, among)})" if among and self.random.random() < 0.8 else ""
        return f"{alias}{name}{given}{directive} {self._below(owner.fields[name].type, depth - 1)}"

    def _wrapped(self, owner: str, fields: str) -> str:
        match self.random.randint(0, 9):
            case 0:
                return f"__typename ... on {owner} {{ {fields} }}"
            case 1:
                name = f"F{len(self._fragments)}"
                self._fragments.append(f"fragment {name} on {owner} {{ {fields} }}")
                return f"...{name} ...{name} __typename"
            case 2:
                return f"... {self.random.choice(DIRECTIVES)} {{ {fields} }} kept: __typename"
            case 3 if len(fields) < 200:
                return f"{fields} {fields}"
            case _:
                return fields


async def ready(reader: Reader, text: str, variables: dict[str, Any]) -> Prepared | list[GraphQLError]:
    """A query with all that it needs in memory."""
    moments = Moments(reader, AsOf(), Sent(text, variables))
    prepared = await make_ready(moments, text, variables, None)
    if isinstance(prepared, Prepared):
        projected(prepared)
        while await learn_all(moments, prepared.places):
            projected(prepared)
    return prepared


def dear(prepared: Prepared) -> bool:
    """Whether graphql-core would take long."""
    return prepared.cost > DEAREST


def by_graphql_core(prepared: Prepared, text: str, variables: dict[str, Any]) -> tuple[Any, list[GraphQLError]]:
    """graphql-core's answer, from the very same objects. Only roots can fail here: what fails below them fails them."""
    context = {"answers": prepared.answers, "places": prepared.places}
    found = execute_sync(GRAPHQL_SCHEMA, parse(text), context_value=context, variable_values=variables)
    data: Any = found.data
    errors: dict[tuple[str | int, ...], GraphQLError] = {}
    for error in found.errors or []:
        path = tuple(error.path or ())
        root = path[: 2 if isinstance(prepared.answers.get(str(path[0])), list) else 1]
        errors.setdefault(root, error)
        if len(root) == 1:
            data[root[0]] = None
        else:
            data[root[0]][root[1]] = None
    return data, list(errors.values())


def reachable() -> set[str]:
    """Every field of every type that a query's answer has, and every argument, as `Query.tasks(unit:)`."""
    kinds = (GraphQLObjectType, GraphQLInterfaceType)
    types = [
        one
        for one in GRAPHQL_SCHEMA.type_map.values()
        if isinstance(one, kinds) and one.name[:2] != "__" and one is not GRAPHQL_SCHEMA.subscription_type
    ]
    fields = {f"{one.name}.{name}" for one in types for name in one.fields}
    return fields | {
        f"{one.name}.{name}({arg}:)" for one in types for name in one.fields for arg in one.fields[name].args
    }


def reached(text: str) -> set[str]:
    """Those of them that a query asks for."""
    found: set[str] = set()
    types = TypeInfo(GRAPHQL_SCHEMA)

    class Fields(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = types.get_parent_type()
            place = f"{parent.name if parent else None}.{node.name.value}"
            found.update({place, *(f"{place}({one.name.value}:)" for one in node.arguments or ())})

    visit(parse(text), TypeInfoVisitor(types, Fields()))
    return found
