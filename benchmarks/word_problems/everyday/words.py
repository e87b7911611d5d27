"""Words of the everyday problems: people, things and containers, verbs with the same effect, number words."""

from __future__ import annotations

from benchmarks.word_problems import grammar

WOMEN = (
    *grammar.WOMEN,
    *"Sarah Lisa Emily Sophie Mary Susan Linda Jenny Rachel Chloe Lena Marta Elena Amira Fatima Aisha Priya Yuki Carmen Molly".split(),
)
MEN = (
    *grammar.MEN,
    *"Michael Robert Thomas Andrew Chris Matt Steve Joe Tim Billy Ethan Lucas Oliver Mario Pedro Ahmed Jamal Kofi Chen Marco".split(),
)

_IRREGULAR = {
    "child": "children", "person": "people", "man": "men", "woman": "women", "fish": "fish", "sheep": "sheep", "mouse": "mice",
    "leaf": "leaves", "loaf": "loaves", "knife": "knives", "shelf": "shelves", "goose": "geese", "foot": "feet", "tooth": "teeth",
    "deer": "deer", "potato": "potatoes", "tomato": "tomatoes", "box": "boxes", "photo": "photos", "wolf": "wolves", "half": "halves",
}  # fmt: skip


def plural(noun: str) -> str:
    """Return the plural of a noun."""
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


_FOOD = (
    "apple orange pear plum peach cherry lemon banana grape strawberry cookie muffin cake candy sweet nut egg tomato potato carrot "
    "sandwich pie mango melon onion pepper pizza donut pancake cupcake lollipop chocolate bun roll cracker peanut pumpkin"
).split()
_TOYS = (
    "marble card sticker coin stamp shell bead button block pencil pen toy ball balloon stone photo crayon ticket badge key "
    "book notebook doll puzzle magnet ribbon star bottle cup plate glass candle hat shirt sock magazine comic game brick cube marker eraser kite"
).split()
_ANIMALS = "chicken cow sheep goat duck rabbit horse pig hen fish bird cat dog puppy kitten frog ant butterfly bee turtle".split()
_PLANTS = "flower rose tulip tree plant seed bush leaf".split()
_PEOPLE = "student child person passenger player guest visitor boy girl pupil teacher worker".split()
_GOODS = (
    "book pen pencil shirt notebook cup hat lamp bag ticket toy plate bottle ball apple orange banana cookie sandwich cake "
    "muffin pizza sticker game balloon candle eraser chair T-shirt doll kite".replace(" T-shirt", "").split()
)
_PRICED = (
    "book shirt hat lamp cake toy ticket game bag cup bike ball jacket sandwich coat phone doll pizza watch dress "
    "puzzle chair table radio camera basketball football notebook pen".split()
)
NOUNS: dict[str, tuple[str, ...]] = {
    "things": (*_FOOD, *_TOYS, *_ANIMALS[:6], *_PLANTS),
    "food": tuple(_FOOD),
    "toys": tuple(_TOYS),
    "animals": tuple(_ANIMALS),
    "plants": tuple(_PLANTS),
    "people": tuple(_PEOPLE),
    "goods": tuple(_GOODS),
    "priced": tuple(_PRICED),
}
BOXES = tuple("box bag pack basket jar crate carton tray bowl drawer packet shelf bucket tin".split())
COLORS = tuple("red blue green yellow white black big small old new".split())
RELATIVES = (*grammar.RELATIVES, "grandmother", "grandfather", "mom", "dad", "son", "daughter")
DAYS = tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())
PLACES = tuple("shop store farm school library bakery market zoo park club bus train theater hotel museum room".split())

# Verbs with the same effect; `<gets>` in a wording draws one.
VERBS: dict[str, tuple[str, ...]] = {
    "gets": tuple("gets|finds|buys|receives|wins|collects|picks|is given|earns|gathers|makes".split("|")),
    "got": tuple("got|found|bought|received|won|collected|picked|was given|gathered|made".split("|")),
    "get": tuple("get|find|buy|receive|win|collect|pick|gather|make".split("|")),
    "loses": tuple("loses|gives away|sells|uses|eats|breaks|drops|throws away|donates|trades".split("|")),
    "lost": tuple("lost|gave away|sold|used|ate|broke|dropped|threw away|donated|traded".split("|")),
    "has": tuple("has|has|has|owns|starts with|keeps".split("|")),
    "had": tuple("had|had|had|owned|started with|collected".split("|")),
    "holds": tuple("holds|contains|has".split("|")),
    "hold": tuple("hold|contain|have".split("|")),
    "produces": tuple("makes|bakes|paints|packs|washes|picks|sells|writes|draws|reads|builds|folds|plants|cleans|eats|uses".split("|")),
    "produced": tuple("made|baked|painted|packed|washed|picked|sold|wrote|drew|read|built|folded|planted|cleaned|ate|used".split("|")),
    "produce": tuple("make|bake|paint|pack|wash|pick|sell|write|draw|read|build|fold|plant|clean|eat|use".split("|")),
    "shares": tuple("shares|divides|splits|gives out|hands out".split("|")),
    "puts": tuple("puts|packs|sorts|places|arranges|divides".split("|")),
    "altogether": tuple("altogether|in all|in total|together".split("|")),
    "costs": tuple("costs|costs|costs|is".split("|")),
    "cost": tuple("cost|cost|cost|are".split("|")),
}  # fmt: skip

_SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split()
NUMBER_WORDS = dict(enumerate(_SMALL)) | {
    30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty", 90: "ninety", 100: "one hundred",
}  # fmt: skip
TIMES = {1: "once", 2: "twice", 3: "three times", 4: "four times", 5: "five times", 10: "ten times"}

# Sentences with a number that the question does not need.
DISTRACTORS = (
    "{Z} is {aside} years old.",
    "{Z} has {aside} {others}.",
    "{X} is {aside} years old.",
    "{Z} lives {aside} miles away.",
    "There are {aside} {others} on the table.",
    "It is {aside} degrees outside.",
    "The {place} is {aside} miles away.",
    "{X} has {aside} cousins.",
    "{Z} waits for {aside} minutes.",
    "It takes {aside} minutes to get there.",
    "A {other} costs {aside} dollars.",
)
