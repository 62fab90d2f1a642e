"""Queries that would cost more than they are worth, each aimed at one limit, and fragments that fan out at random."""

from random import Random
from typing import Any, Final

PLAN: Final = "shanghai-credit-2023"
TASK: Final = f"{PLAN}/21"
EDGES: Final = {
    "Task": ("inPlan Plan", "inMeasure Measure", "inPart Part", "reports Report", "assignments Assignment"),
    "Plan": ("allTasks Task", "parts Part", "measures Measure"),
    "Part": ("inPlan Plan", "allTasks Task", "allMeasures Measure"),
    "Measure": ("inPlan Plan", "inPart Part", "allTasks Task"),
    "Report": ("onTask Task",),
    "Assignment": (),
}
PAGES: Final = {"allTasks", "reports"}  # edges to lists, of which pages are asked for
TYPE: Final = "name description kind ofType { name kind ofType { name kind ofType { name } } }"
FIELD: Final = f"name description args {{ name type {{ {TYPE} }} }} type {{ {TYPE} fields {{ name description }} }}"


def many(count: int, one: str) -> str:
    """The same many times; `@` is its number."""
    return " ".join(one.replace("@", str(number)) for number in range(count))


def doubling(fragments: int) -> str:
    """Each fragment spreads the next one twice."""
    chain = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(fragments))
    return f"{{ ...F0 }} {chain} fragment F{fragments} on Query {{ __typename nope }}"


def fan_out(levels: int, aliases: int) -> str:
    """Each fragment asks for the next several times, by different names."""
    steps = [("Task", "inPlan"), *[("Plan", "parts"), ("Part", "inPlan")] * levels]
    made = [
        f"fragment F{level} on {type_} {{ {many(aliases, f'a@: {edge} {{ ...F{level + 1} }}')} }}"
        for level, (type_, edge) in enumerate(steps[:levels])
    ]
    last = f"fragment F{levels} on {steps[levels][0]} {{ __typename }}"
    return f'{{ task(id: "{TASK}") {{ ...F0 }} }} {" ".join(made)} {last}'


def no_two_alike(aliases: int) -> str:
    """As many different sets of fields as there are paths, so that none is ready when it is asked for."""
    steps = [("Task", "inMeasure"), ("Measure", "inPart"), ("Part", "inPlan")]
    made = [
        f"fragment F{level} on {type_} {{ {many(aliases, f'a@: {edge} {{ b@: __typename ...F{level + 1} }}')} }}"
        for level, (type_, edge) in enumerate(steps)
    ]
    return f'{{ task(id: "{TASK}") {{ ...F0 }} }} {" ".join(made)} fragment F3 on Plan {{ title }}'


def schemas(times: int) -> str:
    """The schema, asked for many times over."""
    return "{" + many(times, f"s@: __schema {{ types {{ {TYPE} fields {{ {FIELD} }} }} }}") + "}"


def fanning(random: Random) -> str:
    """Fragments at random that lead on to one another: none to one before it, so that no rule refuses them."""
    count = random.randint(2, 12)
    types = ["Task", *(random.choice(["Task", "Plan", "Part", "Measure"]) for _ in range(count))]
    fragments: list[str] = []
    for number, type_ in enumerate(types):
        fields = [f"t{number}: __typename", *(["number"] if type_ != "Plan" else ["title"])]
        later = range(number + 1, len(types))
        for alias in range(random.randint(0, 40)):
            edge, end = random.choice(EDGES[type_]).split()
            ends = [one for one in later if types[one] == end]
            below = f"...F{random.choice(ends)}" if ends else "__typename"
            below = f"{random.choice(['', f'b{alias}: __typename'])} {below}"
            fields.append(f"a{alias}: {edge} {{ {f'nodes {{ {below} }}' if edge in PAGES else below} }}")
        fields += [f"...F{one}" for one in later if types[one] == type_]
        fragments.append(f"fragment F{number} on {type_} {{ {' '.join(fields)} }}")
    return f'{{ task(id: "{TASK}") {{ ...F0 }} }} {" ".join(fragments)}'


Request = dict[str, Any]
NODES: Final = "{ nodes(ids: $ids) { id ... on Task { text } ... on Unit { name } } }"
UNITS: Final = "units(first: -1) { totalCount }"

ATTACKS: Final[dict[str, tuple[str, Request]]] = {
    "a fragment that spreads the next twice, 20 times": ("malformed", {"query": doubling(20)}),
    "the same 60 times": ("malformed", {"query": doubling(60)}),
    "fan-out by 2 names": ("too_complex", {"query": fan_out(10, 2)}),
    "fan-out by 3 names": ("too_complex", {"query": fan_out(9, 3)}),
    "fan-out by 4 names": ("too_complex", {"query": fan_out(9, 4)}),
    "fan-out by 30 names, no two alike": ("too_complex", {"query": no_two_alike(30)}),
    "a fragment of 240 fields in 100 roots": (
        "too_complex",
        {"query": f"{{ {many(100, 'a@:task(id:1){...F}')} }} fragment F on Task {{ {many(240, 'b@:text')} }}"},
    ),
    "the schema 12 times": ("too_complex", {"query": schemas(12)}),
    "the schema at three depths": (
        "malformed",
        {"query": "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"},
    ),
    "a comment of 1.9 MB": ("too_large", {"query": "{ __typename } #" + "x" * 1_900_000}),
    "60,000 lines": ("query_too_long", {"query": "\n" * 60_000 + "{" + many(100, "a@") + "}"}),
    "30,000 comments": ("query_too_long", {"query": "#\n" * 30_000 + "{ __typename }"}),
    "60,000 commas": ("malformed", {"query": "," * 60_000 + "{" + many(100, "a@") + "}"}),
    "1,900 times a field": ("too_complex", {"query": "{" + many(1_900, "__typename") + "}"}),
    "480 times an object": ("too_complex", {"query": "{" + many(480, "plans{totalCount}") + "}"}),
    "220 times a root that fails": ("too_complex", {"query": "{" + many(220, UNITS) + "}"}),
    "900 unknown fields": ("malformed", {"query": "{" + many(900, "a@") + "}"}),
    "600 fields that are nearly there": ("malformed", {"query": "{" + many(600, "a@: plam") + "}"}),
    "900 unknown fragments": ("malformed", {"query": "{" + many(900, "...F@") + "}"}),
    "250 fragments that nobody uses": ("malformed", {"query": "{a}" + many(240, "fragment F@ on Task {id}")}),
    "fragments that all spread each other": (
        "malformed",
        {"query": "{...F0}" + " ".join(f"fragment F{n} on Query {{ {many(29, '...F@')} }}" for n in range(29))},
    ),
    "a fragment that is not there": ("malformed", {"query": "{...Nope}"}),
    "an empty selection": ("malformed", {"query": "{plans{}}"}),
    "an alias of 50 KB": ("malformed", {"query": "{ " + "a" * 50_000 + ": districts { nodes { name } } }"}),
    "a field of 50 KB": ("malformed", {"query": "{ " + "a" * 50_000 + " }"}),
    "a number of 60,000 digits": ("malformed", {"query": "{ units(first: " + "9" * 60_000 + ") { totalCount } }"}),
    "an argument of 600 fields": (
        "malformed",
        {"query": "{ task(id: 1, asOf: {" + many(600, "a@: 1") + "}) { id } }"},
    ),
    "180 roots that fail": ("bad_parameter", {"query": "{" + many(180, f"a@: {UNITS}") + "}"}),
    "10,000 ids of nodes": (
        "too_complex",
        {"query": f"query ($ids: [ID!]!) {NODES}", "variables": {"ids": [f"unit:a{n}" for n in range(10_000)]}},
    ),
    **{
        f"200 ids {what} in 150 roots": (
            "too_complex",
            {
                "query": "query ($ids: [ID!]!) {" + many(150, "a@: nodes(ids: $ids) { id }") + "}",
                "variables": {"ids": [id_ % (n, n + 140) for n in range(200)]},
            },
        )
        for what, id_ in {"with moments": f"task:{PLAN}/%d@%d,2023-06-30", "of no kind": "%d %d"}.items()
    },
    "10,000 ids of 20 characters in one that is a string": (
        "malformed",
        {"query": f"query ($ids: [ID!]!) {NODES}", "variables": {"ids": [["unit:shi-ke-wei-1234"] * 10_000]}},
    ),
    "450 variables": ("malformed", {"query": "query(" + many(450, "$a@:Int") + "){ plans { totalCount } }"}),
    "100 variables of 30 KB": (
        "too_large",
        {
            "query": "query(" + many(100, "$a@:Int!") + "){" + many(100, "a@: units(first: $a@) { totalCount }") + "}",
            "variables": {f"a{n}": "x" * 30_000 for n in range(100)},
        },
    ),
    "a variable of 10,000 fields": (
        "malformed",
        {
            "query": 'query($at: AsOfInput) { task(id: "x", asOf: $at) { id } }',
            "variables": {"at": {f"a{n}": n for n in range(10_000)}},
        },
    ),
    "an operation's name of 3 MB": ("too_large", {"query": "query A { id }", "operationName": "B" * 3_000_000}),
    "an operation's name of 200 KB": ("malformed", {"query": "query A { __typename }", "operationName": "B" * 200_000}),
}
