"""The grammar of the word problems: names, nouns, verbs, and a table of stories.

A phrase is a template. `<win>` is a verb that agrees with the story's subject and tense, `<+get>` is always plural,
`<=leak>` always singular. `[...]` is left out three times in four. `{n}`, `{a}`, `{b}` and `{k}` are numbers: `n` is
added or subtracted, `k` multiplies or divides, `a` groups have `b` each. This file is data: `generate.py` draws from
it, and `vocabulary.py` collects its words.
"""

from __future__ import annotations

from dataclasses import dataclass, field

WOMEN = (
    "Mia Ana Emma Olivia Sara Lily Zoe Nina Julia Maria Alice Clara Eva Ella Grace Hannah Ivy Jane Kate Laura "
    "Lucy Maya Nora Rosa Ruth Sofia Tina Vera Amy Beth Carla Diana Fiona Gina Helen Iris Leila Mei Priya Anna"
).split()
MEN = (
    "Tom Leo Ben Sam Max Noah Liam Adam Alex Omar Paul Peter David Daniel Jack James John Luke Mark Nick Oscar "
    "Ryan Simon Theo Victor Will Ali Bob Carlos Dan Eric Felix George Henry Ivan Jacob Kevin Mike Raj Hugo"
).split()
RELATIVES = "sister brother mother father friend teacher cousin uncle aunt neighbor".split()
VISITORS = "visitors members owner neighbor partner".split()
TOYS = (
    "marbles cards stickers coins stamps shells beads buttons blocks pencils pens toys balls balloons stones "
    "photos crayons tickets badges keys"
).split()
FOOD = (
    "apples oranges pears plums peaches cherries lemons bananas grapes cookies muffins cakes candies sweets "
    "nuts eggs tomatoes potatoes carrots sandwiches pies strawberries"
).split()
ANIMALS = "chickens cows sheep goats ducks rabbits horses pigs hens fish".split()
PLANTS = "flowers roses tulips trees plants seeds bushes".split()
GOODS = "books pens shirts notebooks cups hats lamps bags tickets toys plates bottles".split()
ITEMS = "book shirt hat lamp cake toy ticket game bag cup".split()
CONTAINERS = "boxes bags packs jars baskets".split()

NUMBER_WORDS = dict(
    zip(range(2, 13), "two three four five six seven eight nine ten eleven twelve".split(), strict=True)
)
FRACTIONS = {2: "half", 3: "a third", 4: "a quarter", 5: "a fifth", 6: "a sixth", 8: "an eighth", 10: "a tenth"}

_IRREGULAR = """
win wins won|find finds found|buy buys bought|get gets got|give gives gave|lose loses lost|sell sells sold
eat eats ate|break breaks broke|throw throws threw|have has had|be is was|are are were|make makes made|keep keeps kept
put puts put|take takes took|split splits split|spend spends spent|pay pays paid|lend lends lent|read reads read
drive drives drove|ride rides rode|run runs ran|go goes went|lay lays laid|catch catches caught|do does did
carry carries carried|hold holds held|grow grows grew|leave leaves left|swim swims swam|cut cuts cut|fly flies flew
hide hides hid|bring brings brought|feed feeds fed|hike hikes hiked"""
_REGULAR = (
    "receive collect earn add trade use drop pick double triple quadruple multiply divide share end save score "
    "bake burn plant return borrow cook donate order hand gain triple pour leak need travel walk cycle start "
    "pack fill open count cost step join remain arrive own cross remove deliver print want turn serve work"
)


def _regular(verb: str) -> tuple[str, str, str]:
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb, verb[:-1] + "ies", verb[:-1] + "ied"
    doubled = {"drop": "dropped", "step": "stepped"}.get(verb)
    return verb, verb + "s", doubled or (verb + "d" if verb.endswith("e") else verb + "ed")


VERBS: dict[str, tuple[str, ...]] = {
    forms.split()[0]: tuple(forms.split()) for line in _IRREGULAR.split("\n") for forms in line.split("|") if forms
} | {verb: _regular(verb) for verb in _REGULAR.split()}


@dataclass(frozen=True, slots=True)
class Story:
    """One kind of story, with phrases for each operation that it supports.

    `subject` is "person", "place" or "" (clauses have their own subject). Keys of `phrases`: `start`, `product` and
    `sum` open the story; `add sub mul div times+ times- part-` continue it; `ask` asks. A prefix such as `2:` binds a
    `mul` or `div` phrase to one factor. `limit` is the longest problem, in steps.
    """

    name: str
    subject: str
    phrases: dict[str, tuple[str, ...]]
    nouns: tuple[str, ...] = ()
    limit: int = 12
    bound: int = 999
    opener: str = "{Who} <have> {n} {noun}."
    extra: dict[str, tuple[str, ...]] = field(default_factory=dict)


_GET = (
    "<win> {n} more[ {noun}]", "<find> {n} more[ {noun}]", "<find> {n}[ {noun}]", "<be> given {n}[ more]", "<buy> {n} more[ {noun}]",
    "<get> {n} more[ {noun}]", "<get> {n}[ more] from {his} {relative}", "<pick> up {n} more", "<receive> {n}[ more][ {noun}]",
    "<collect> {n} more", "<add> {n} to the collection", "<take> {n} more", "<buy> {n} at the store", "<get> {n} as a gift",
)  # fmt: skip
_DROP = (
    "<give> {n} away", "<give> away {n}[ {noun}]", "<give> {n}[ {noun}] to {his} {relative}", "<give> {n} to {other}",
    "<give> {other} {n}[ {noun}]", "<lose> {n}[ {noun}]", "<lose> {n} of them", "<sell> {n}[ {noun}]", "<trade> {n} away",
    "<throw> {n} away", "<use> {n}[ of them]", "<drop> {n}", "<donate> {n}", "<lend> {n} to {his} {relative}", "<put> {n} away",
)  # fmt: skip
_MANY = (
    "2:<double> what {he} <have>", "2:<double> {his} {noun}", "2:<double> the number of {noun}", "3:<triple> what {he} <have>",
    "3:<triple> {his} {noun}", "3:<triple> the number of {noun}", "4:<quadruple> what {he} <have>", "now <have> {times} as many",
    "<get> {times} as many as before", "<end> up with {times} as many", "<multiply> what {he} <have> by {k}",
    "<multiply> the number of {noun} by {k}", "<make> it {times} as many",
)  # fmt: skip
_SHARE = (
    "<split> them equally among {k} friends and <keep> one share", "<split> them into {k} equal piles and <keep> one[ of them]",
    "<share> them equally among {k} people and <keep> one share", "<divide> them into {k} equal groups and <keep> one group",
    "<keep> only {frac}[ of them]", "<divide> what {he} <have> by {k}", "2:<give> half[ of them] away", "2:<lose> half of them",
    "2:<put> half[ of them] away", "2:<sell> half of {his} {noun}", "2:<give> away half of what {he} <have>", "2:<keep> half of them",
)  # fmt: skip
_LOSE_PART = (
    "<give> {frac} of them away", "<give> away {frac} of {his} {noun}", "<lose> {frac} of them", "<sell> {frac} of them",
    "<give> {frac} of what {he} <have> to {other}", "<use> {frac} of {his} {noun}", "<give> {frac} of them to {his} {relative}",
)  # fmt: skip
_GROUPS = (
    "<buy> {a} {boxes} with {b}[ {noun}] in each", "<buy> {a} {boxes} of {b}[ {noun}]", "<get> {b} from each of {a} friends",
    "<find> {b} a day for {a} days", "<buy> {a} more {boxes} of {b}[ each]", "<get> {a} {boxes} with {b} in each box",
    "<collect> {b} each day for {a} days", "<open> {a} {boxes} with {b} in each",
)  # fmt: skip
_GROUPS_OUT = (
    "<give> {b} to each of {a} friends", "<give> {b}[ {noun}] each to {a} friends", "<sell> {a} {boxes} of {b}[ each]",
    "<use> {b} a day for {a} days", "<fill> {a} {boxes} with {b} each and <give> them away", "<lose> {b} a day for {a} days",
)  # fmt: skip
_START = (
    "{Who} <have> {n} {noun}.",
    "{Who} <start> with {n} {noun}.",
    "{Who} <own> {n} {noun}.",
    "At first {who} <have> {n} {noun}.",
)
_PRODUCT = ("{Who} <have> {a} {boxes} with {b} {noun} in each.", "{Who} <have> {a} {boxes} of {b} {noun}[ each].")
_SUM = ("{Who} <have> {n} red {noun} and {m} blue {noun}.", "{Who} <have> {n} {noun} at home and {m} at school.",
        "{Who} <have> {n} big {noun} and {m} small ones.")  # fmt: skip
_ASK = (
    "How many are left?", "How many {noun} are left?", "How many {noun} does {he} have now?", "How many does {he} have left?",
    "How many {noun} does {name} have?", "How many {noun} did {he} have at the end?", "How many {noun} does {he} end up with?",
    "How many {noun} are there now?", "How many {noun} does {name} have left?", "How many does {he} have in the end?",
)  # fmt: skip


def _things(name: str, nouns: list[str], get: str = "", drop: str = "", subject: str = "person", **more: str) -> Story:
    """Build a story of countable things: the common phrases and its own (separated by `|`)."""

    def own(text: str) -> tuple[str, ...]:
        # A story's own verbs are listed twice so that they are drawn often enough.
        return tuple(part for part in text.split("|") if part) * 2

    phrases = {
        "start": _START + own(more.get("start", "")), "product": _PRODUCT + own(more.get("product", "")), "sum": _SUM,
        "add": _GET + own(get), "sub": _DROP + own(drop), "mul": _MANY, "div": _SHARE, "part-": _LOSE_PART,
        "times+": _GROUPS + own(more.get("groups", "")), "times-": _GROUPS_OUT + own(more.get("out", "")), "ask": _ASK,
    }  # fmt: skip
    return Story(name, subject, phrases, tuple(nouns))


def _ways(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().split("\n"))


STORIES: tuple[Story, ...] = (
    _things("toys", TOYS, "<win> {n} in a game", "<lose> {n} in a game", groups="<win> {b} in each of {a} games",
            out="<lose> {b} in each of {a} games"),
    _things("toys", TOYS),
    _things("baking", FOOD, "<bake> {n} more|<pick> {n} more|<make> {n} more", "<eat> {n}[ of them]|<burn> {n}|<eat> {n} for lunch",
            groups="<bake> {a} trays of {b}[ {noun}]", out="<eat> {b} a day for {a} days", start="{Who} <bake> {n} {noun}.|{Who} <pick> {n} {noun}."),
    _things("farm", ANIMALS, "<buy> {n} more at the market", "<sell> {n} at the market", product="{Who} <keep> {a} pens with {b} {noun} in each."),
    _things("farm", ["eggs"], "<collect> {n} more eggs", "<break> {n}|<cook> {n}|<eat> {n}", groups="<collect> {b} eggs from each of {a} hens"),
    _things("garden", PLANTS, "<plant> {n} more|<grow> {n} more", "<pick> {n}|<cut> {n}", groups="<plant> {a} rows of {b}[ {noun}]|<plant> {a} rows with {b} in each",
            start="{Who} <plant> {n} {noun}.", product="{Who} <plant> {a} rows of {b} {noun}.|{Who} <plant> {a} rows with {b} {noun} in each."),
    _things("library", ["books"], "<borrow> {n} more|<receive> {n} new books", "<return> {n}|<lend> {n} to the school", subject="place"),
    _things("library", [*GOODS, *FOOD], "<order> {n} more|<receive> {n} new {noun}", "<sell> {n} in the morning|<sell> {n} in the afternoon",
            subject="place", out="<sell> {b} a day for {a} days"),
    Story("money", "person", {
        "start": ("{Who} <have> {n} dollars.", "{Who} <have> {n} dollars in the bank.", "{Who} <start> with {n} dollars.", "{Who} <earn> {n} dollars.",
                  "{Who} <save> {n} dollars."),
        "product": _ways("""{Who} <earn> {b} dollars an hour and <work> {a} hours.
            {Who} <save> {b} dollars a week for {a} weeks.
            {Who} <sell> {a} {goods} for {b} dollars each."""),
        "sum": ("{Who} <have> {n} dollars at home and {m} dollars in the bank.",),
        "add": _ways("""<earn> {n} dollars
            <earn> {n} more dollars
            <get> {n} dollars from {his} {relative}
            <save> {n} dollars[ more]
            <find> {n} dollars
            <be> paid {n} dollars
            <get> {n} dollars as a gift
            <sell> a {item} for {n} dollars"""),
        "sub": _ways("""<spend> {n} dollars
            <spend> {n} dollars on a {item}
            <pay> {n} dollars for a {item}
            <lend> {n} dollars to {other}
            <give> {n} dollars to {his} {relative}
            <lose> {n} dollars
            <buy> a {item} for {n} dollars
            <pay> {n} dollars"""),
        "mul": _ways("""2:<double> {his} money
            3:<triple> {his} money
            2:<double> what {he} <have>
            3:<triple> what {he} <have>
            now <have> {times} as much
            now <have> {times} as much money
            <end> up with {times} as much
            <multiply> {his} money by {k}"""),
        "div": _ways("""<split> {his} money equally among {k} people and <keep> one share
            <split> the money into {k} equal parts and <keep> one[ of them]
            2:<spend> half of {his} money
            2:<give> half of it away
            2:<spend> half of what {he} <have>
            2:<put> half away
            <keep> only {frac} of {his} money
            <keep> only {frac} of it"""),
        "part-": _ways("""<spend> {frac} of {his} money
            <give> {frac} of it away
            <spend> {frac} of what {he} <have>
            <give> {frac} of {his} money to {other}"""),
        "times+": _ways("""<save> {b} dollars a week for {a} weeks
            <earn> {b} dollars an hour for {a} hours
            <sell> {a} {goods} for {b} dollars each
            <earn> {b} dollars a day for {a} days
            <get> {b} dollars from each of {a} friends"""),
        "times-": _ways("""<pay> {b} dollars for each of {a} tickets
            <buy> {a} {goods} for {b} dollars each
            <buy> {a} {goods} at {b} dollars each
            <spend> {b} dollars a day for {a} days
            <give> {b} dollars to each of {a} friends
            <pay> {b} dollars each for {a} {goods}"""),
        "ask": _ways("""How much money is left?
            How much is left?
            How much money does {he} have now?
            How many dollars does {he} have left?
            How much does {name} have left?
            How many dollars are left?
            How much money did {he} have at the end?
            How many dollars does {name} have now?"""),
    }, ("dollars",)),
    Story("points", "person", {
        "start": ("{Who} <have> {n} points[ in a game].", "{Who} <score> {n} points[ in a game].", "{Who} <start> a game with {n} points."),
        "product": ("{Who} <score> {b} points in each of {a} rounds.",), "sum": ("{Who} <score> {n} points and then {m} points.",),
        "add": ("<score> {n} points", "<score> {n} more[ points]", "<earn> a bonus of {n} points", "<win> {n} points", "<gain> {n} points"),
        "sub": ("<lose> {n} points", "<get> a penalty of {n} points", "<lose> {n}[ of them]", "<drop> {n} points"),
        "mul": ("2:<double> {his} score", "3:<triple> {his} score", "2:<double> {his} points", "now <have> {times} as many points", "<multiply> {his} score by {k}",
                "3:<triple> what {he} <have>", "2:<double> what {he} <have>"),
        "div": ("2:<lose> half of {his} points", "<keep> only {frac} of {his} points", "<divide> {his} score by {k}", "2:<lose> half of them"),
        "part-": ("<lose> {frac} of {his} points", "<lose> {frac} of them"),
        "times+": ("<score> {b} points in each of {a} rounds", "<win> {a} rounds worth {b} points each", "<score> {b} in each of {a} games"),
        "times-": ("<lose> {b} points in each of {a} rounds", "<lose> {b} points {a} times"),
        "ask": ("What is {his} score now?", "How many points does {he} have now?", "What is the final score?", "How many points does {name} have?",
                "How many points does {he} have at the end?"),
    }, ("points",)),
    Story("bus", "", {
        "start": ("There <+are> {n} people on a bus.", "A bus <=carry> {n} passengers.", "A train <=start> with {n} people.", "A bus <=leave> with {n} passengers."),
        "product": ("{a} groups of {b} people <+get> on a bus.",), "sum": ("There <+are> {n} men and {m} women on a train.",),
        "add": ("{n} people <+get> on", "{n} more people <+get> on", "{n} passengers <+get> on", "{n} more <+join> them"),
        "sub": ("{n} people <+get> off", "{n} passengers <+get> off", "{n} people <+leave>", "{n} of them <+get> off"),
        "mul": ("2:the number of people <=double>", "3:the number of people <=triple>", "there <+are> {times} as many people"),
        "div": ("2:half of the people <+get> off", "2:half of them <+leave>", "only {frac} of the people <+remain>"),
        "part-": ("{frac} of the people <+get> off", "{frac} of the passengers <+leave>"),
        "times+": ("{a} groups of {b} people <+get> on", "{a} families of {b} <+get> on"),
        "times-": ("{a} groups of {b} people <+get> off", "{b} people <+get> off at each of {a} stops"),
        "ask": ("How many people are on the bus now?", "How many are left?", "How many passengers are there now?", "How many people are there at the end?"),
    }, ("people",)),
    Story("tank", "", {
        "start": ("A tank <=hold> {n} liters of water.", "There <+are> {n} liters of water in a tank.", "A tank <=have> {n} liters of water in it."),
        "product": ("{a} buckets of {b} liters <+are> poured into a tank.",), "sum": (),
        "add": ("{n} liters <+are> added", "{n} more liters <+are> poured in", "{n} liters of rain <+are> added"),
        "sub": ("{n} liters <+leak> out", "{n} liters <+are> used", "{n} liters <+are> taken out", "{n} liters <+are> poured out"),
        "mul": ("2:the amount of water <=double>", "3:the amount of water <=triple>", "there <=be> {times} as much water"),
        "div": ("2:half of the water <=be> used", "2:half of it <=leak> out", "only {frac} of the water <=remain>"),
        "part-": ("{frac} of the water <=be> used", "{frac} of it <=leak> out"),
        "times+": ("{a} buckets of {b} liters <+are> poured in", "{b} liters <+are> added each day for {a} days"),
        "times-": ("{a} plants <+get> {b} liters each", "{b} liters <+are> used each day for {a} days"),
        "ask": ("How many liters are left?", "How many liters of water are in the tank now?", "How much water is left?", "How many liters are there now?"),
    }, ("liters",)),
    Story("reading", "person", {
        "start": ("A book has {n} pages. {Who} <start> reading.", "{Who} <have> a book with {n} pages."), "product": (), "sum": (),
        "sub": ("<read> {n} pages", "<read> {n} pages the next day", "<read> {n} more pages", "<read> {n} pages before lunch"), "add": (), "mul": (),
        "div": ("2:<read> half of the remaining pages", "2:<read> half of what is left"),
        "part-": ("<read> {frac} of the remaining pages", "<read> {frac} of what is left"), "times+": (),
        "times-": ("<read> {b} pages a day for {a} days", "<read> {b} pages each day for {a} days", "<read> {a} chapters of {b} pages"),
        "ask": ("How many pages are left?", "How many pages does {he} have left to read?", "How many pages are left to read?"),
    }, ("pages",), limit=6),
    Story("travel", "person", {
        "start": ("{Who} <drive> {n} miles.", "{Who} <ride> a bike for {n} miles.", "{Who} <travel> {n} miles by train.", "{Who} <walk> {n} miles."),
        "product": ("{Who} <drive> for {a} hours at {b} miles an hour.", "{Who} <ride> {b} miles an hour for {a} hours.", "{Who} <run> {b} miles a day for {a} days."),
        "sum": ("{Who} <walk> {n} miles and <ride> {m} miles.",),
        "add": ("<walk> {n} more miles", "<drive> {n} miles", "<ride> {n} miles", "<run> {n} miles", "<drive> another {n} miles"), "sub": (), "mul": (), "div": (), "part-": (),
        "times+": ("<drive> for {a} hours at {b} miles an hour", "<drive> {b} miles an hour for {a} hours", "<walk> for {a} hours at {b} miles an hour",
                   "<ride> {b} miles a day for {a} days"),
        "times-": (), "ask": ("How far does {he} go in all?", "How many miles does {he} travel in all?", "How many miles is that in total?", "What is the total distance?"),
    }, ("miles",), limit=9),
    Story("shop", "person", {
        "start": ("{Who} <buy> a {item} for {n} dollars.",),
        "product": ("{Who} <buy> {a} {goods} for {b} dollars each.", "{Who} <buy> {a} {goods} at {b} dollars each.", "{Who} <order> {a} {goods} that cost {b} dollars each."),
        "sum": ("{Who} <buy> a {item} for {n} dollars and a {item} for {m} dollars.",),
        "add": ("<buy> a {item} for {n} dollars", "also <buy> a {item} for {n} dollars", "<pay> {n} dollars for a {item}", "<take> a {item} for {n} dollars"),
        "sub": ("<get> {n} dollars off", "<use> a coupon for {n} dollars off"), "mul": (), "div": ("2:<get> half off",), "part-": (),
        "times+": ("<buy> {a} {goods} for {b} dollars each", "also <buy> {a} {goods} for {b} dollars each", "<buy> {a} {goods} at {b} dollars each",
                   "<pay> {b} dollars for each of {a} {goods}"),
        "times-": (), "ask": ("How much does {he} pay in all?", "How many dollars does {he} spend?", "What is the total cost?", "How much is that in total?"),
    }, ("dollars",), limit=9),
)  # fmt: skip

# Each sentence compares a new person with the previous one.
AGES = {
    "start": ("{A} is {n} years old.",),
    "add": ("{B} is {n} years older than {A}.", "{B} is {n} years older."),
    "sub": ("{B} is {n} years younger than {A}.", "{B} is {n} years younger."),
    "mul": ("{B} is {times} as old as {A}.",), "div": ("{B} is {frac} as old as {A}.",),
    "ask": ("How old is {B}?", "What is the age of {B}?"),
}  # fmt: skip
CHAIN = {
    "start": ("{A} has {n} {noun}.",),
    "add": ("{B} has {n} more than {A}.", "{B} has {n} more {noun} than {A}."),
    "sub": ("{B} has {n} fewer than {A}.", "{B} has {n} fewer {noun} than {A}.", "{B} has {n} less than {A}."),
    "mul": ("{B} has {times} as many as {A}.", "{B} has {times} as many {noun} as {A}."), "div": ("{B} has {frac} as many as {A}.",),
    "ask": ("How many {noun} does {B} have?", "How many does {B} have?"),
}  # fmt: skip

# Endings of a story other than its plain question: (operation, sentence and question).
TWO_PEOPLE = (
    ("add", "{other} has {n} more than {name}. How many do they have together?"),
    ("add", "{other} has {n} more {noun} than {name}. How many {noun} do they have in all?"),
    ("sub", "{other} has {n} fewer than {name}. How many do they have together?"),
    ("sub", "{other} has {n} fewer {noun} than {name}. How many {noun} do they have altogether?"),
    ("mul", "{other} has {times} as many as {name}. How many do they have together?"),
    ("mul", "{other} has {times} as many {noun} as {name}. How many {noun} do they have in total?"),
)
ONE_OTHER = (
    "{other} has {n}[ {noun}]. How many {noun} do they have together?",
    "{other} has {n}[ {noun}]. How many do they have in all?",
)
EACH = ("{He} <share> them equally among {k} friends. How many does each friend get?", "{He} <put> them equally into {k} {boxes}. How many are in each?",
        "{He} <divide> them equally among {k} friends. How many {noun} does each get?")  # fmt: skip
CHANGE = ("{He} <pay> with a {n} dollar note. How much change does {he} get?", "{He} <pay> with {n} dollars. How much change does {he} get back?",
          "{He} <have> {n} dollars. How much money is left?")  # fmt: skip

PLACES = ("The library", "The school", "A shop", "The store", "The farm", "A market", "The club", "The bakery")
JOINS = (
    "{c}.", "{c} and {d}.", "{c} and then {d}.", "{c}, then {d}.", "{c}, then {d}, and {e}.", "{c}, {d}, and {e}.", "{c}, {d} and {e}.",
    "{c}, {d}, and then {e}.", "{c} and {d}, then {e}.", "{c}, then {d} and then {e}.",
)  # fmt: skip
LEADS = ("", "", "", "", "Then ", "Next ", "After that ", "Later ", "The next day ", "Then, ", "On Monday ", "Today ")
BUS_LEADS = ("", "", "At the next stop ", "Then ", "Later ", "Next, ", "After that ")
EXTRA_WORDS = (
    "a an the in on at for to of and or but is are was were it its this that there then so if each every all some more fewer less "
    "than as how many much what who left total together altogether now later finally also again another other only half week weeks day days "
    "hour hours year years month months Tuesday Wednesday Thursday Friday Saturday Sunday yesterday tomorrow morning evening night away back up "
    "out off down one first last new old remaining gets has have had sum total number amount whole twelve dozen cents dollar children kids men women "
    "boys girls students pieces cupcakes shelf shelves bags box bag pack jar basket bike car me my I you we us"
).split()  # fmt: skip
