"""Facts that everyone knows: legs, wheels, sides, dozens, pairs."""

from benchmarks.word_problems.everyday.form import Form, table

_PARTS = table(
    "one many part c",
    "spider | spiders | legs | 8", "dog | dogs | legs | 4", "cat | cats | legs | 4", "cow | cows | legs | 4", "horse | horses | legs | 4", "sheep | sheep | legs | 4", "pig | pigs | legs | 4", "rabbit | rabbits | legs | 4",
    "goat | goats | legs | 4", "elephant | elephants | legs | 4", "lion | lions | legs | 4", "frog | frogs | legs | 4", "table | tables | legs | 4", "chair | chairs | legs | 4", "chicken | chickens | legs | 2", "duck | ducks | legs | 2",
    "bird | birds | legs | 2", "hen | hens | legs | 2", "bird | birds | wings | 2", "ant | ants | legs | 6", "bee | bees | legs | 6", "insect | insects | legs | 6", "beetle | beetles | legs | 6", "butterfly | butterflies | legs | 6",
    "fly | flies | legs | 6", "octopus | octopuses | arms | 8", "car | cars | wheels | 4", "bicycle | bicycles | wheels | 2", "bike | bikes | wheels | 2", "tricycle | tricycles | wheels | 3", "triangle | triangles | sides | 3",
    "square | squares | sides | 4", "rectangle | rectangles | sides | 4", "pentagon | pentagons | sides | 5", "hexagon | hexagons | sides | 6", "octagon | octagons | sides | 8", "triangle | triangles | corners | 3",
    "square | squares | corners | 4", "hand | hands | fingers | 5", "person | people | fingers | 10", "person | people | eyes | 2", "child | children | hands | 2", "cat | cats | ears | 2", "foot | feet | toes | 5", "cube | cubes | faces | 6",
    "die | dice | faces | 6", "motorcycle | motorcycles | wheels | 2", "dog | dogs | paws | 4", "dog | dogs | ears | 2", "guitar | guitars | strings | 6", "person | people | legs | 2", "starfish | starfish | arms | 5",
)  # fmt: skip
_RECALL = (*_PARTS, *table("one many part c", "week | weeks | days | 7", "year | years | months | 12", "day | days | hours | 24", "hour | hours | minutes | 60", "minute | minutes | seconds | 60", "year | years | days | 365", "dozen | dozen | eggs | 12",
                           "meter | meters | centimeters | 100", "foot | feet | inches | 12", "dollar | dollars | cents | 100", "century | centuries | years | 100", "decade | decades | years | 10", "kilometer | kilometers | meters | 1000"))  # fmt: skip

FORMS = (
    Form("facts.recall", "", (), (
        "How many {part} does (a|one) {one} have?",
        "How many {part} are (there in|in|on) (a|one) {one}?",
        "What is the number of {part} (of|in) a {one}?",
    ), rows=_RECALL, answer="c", weight=0.4),
    Form("facts.parts", "a:2-30", ("a*c",), (
        "How many {part} do {a} {many} have[ <altogether>]?",
        "How many {part} are (on|there on) {a} {many}?",
        "(A|One|Each) {one} has {c} {part}. How many {part} do {a} {many} have?",
        "{X} (sees|counts|has) {a} {many}. How many {part} (do they have|are there|is that)[ <altogether>]?",
        "There are {a} {many}. How many {part} do they have <altogether>?",
        "If there are {a} {many}, how many {part} are there?",
        "What is the total number of {part} of {a} {many}?",
    ), rows=_PARTS, weight=1.5),
    Form("facts.parts_back", "q:2-20 n=q*c", ("n/c",), (
        "{X} counts {n} {part} of {many}. How many {many} are there?",
        "Some {many} have {n} {part} <altogether>. How many {many} are there?",
        "There are {n} {part}. How many {many} is that?",
    ), rows=tuple(r for r in _PARTS if r["part"] in ("legs", "wheels", "sides", "fingers")), weight=0.7),
    Form("facts.two_kinds", "a:2-15 b:2-15", ("a*c", "b*d2", "#0+#1"), (
        "There are {a} {many} and {b} {many2} (on a farm|in a yard|in the garden). How many legs do they have <altogether>?",
        "A farmer has {a} {many} and {b} {many2}. How many legs (is that|are there)[ <altogether>]?",
        "How many legs do {a} {many} and {b} {many2} have <altogether>?",
        "{X} sees {a} {many} and {b} {many2}. What is the number of legs?",
    ), rows=table("many c many2 d2", "cows | 4 | chickens | 2", "dogs | 4 | birds | 2", "chickens | 2 | sheep | 4", "ducks | 2 | pigs | 4", "horses | 4 | hens | 2", "spiders | 8 | ants | 6", "cats | 4 | ducks | 2", "rabbits | 4 | chickens | 2",
                  "goats | 4 | ducks | 2", "ants | 6 | dogs | 4", "hens | 2 | cows | 4", "dogs | 4 | spiders | 8"), weight=0.8),
    Form("facts.wheels_two", "a:2-15 b:2-15", ("a*c", "b*d2", "#0+#1"), (
        "There are {a} {many} and {b} {many2} (in a parking lot|at the school|in a {place}). How many wheels (are there|do they have) <altogether>?",
        "How many wheels do {a} {many} and {b} {many2} have <altogether>?",
        "{X} counts {a} {many} and {b} {many2}. How many wheels is that?",
    ), rows=table("many c many2 d2", "cars | 4 | bikes | 2", "bicycles | 2 | cars | 4", "tricycles | 3 | bikes | 2", "bicycles | 2 | tricycles | 3", "cars | 4 | bicycles | 2", "cars | 4 | motorcycles | 2"), weight=0.6),
    Form("facts.dozen", "a:2-20", ("a*12",), (
        "{X} buys {a} dozen {nouns}. How many {nouns} (does {he} have|is that|does {he} buy)?",
        "How many {nouns} are (there in|in) {a} dozen?",
        "There are 12 {nouns} in a dozen. How many are in {a} dozen?",
        "{X} has {a} dozen {nouns}. How many {nouns} does {he} have?",
        "How many {nouns} are {a} dozen[ {nouns}]?",
        "A baker makes {a} dozen {nouns}. What is the number of {nouns}?",
    ), nouns="food"),
    Form("facts.dozen_minus", "a:1-9 p=a*12 b:1-p b<p", ("a*12", "#0-b"), (
        "{X} buys {a} dozen {nouns} and <loses> {b}[ of them]. How many {nouns} (are left|does {he} have left)?",
        "{X} has {a} dozen {nouns}. {He} gives {b} to {Y}. How many (are left|does {he} have left)?",
        "{X} bought {a} dozen {nouns}. {b} were (broken|eaten|bad). How many[ good] {nouns} are left?",
        "From {a} dozen {nouns}, {b} are used. How many remain?",
    ), nouns="food"),
    Form("facts.dozen_one", "b:1-11", ("12-b",), (
        "{X} has a dozen {nouns}. {He} <loses> {b}[ of them]. How many (are left|does {he} have left)?",
        "{X} buys a dozen {nouns} and <loses> {b}. How many {nouns} are left?",
        "A {box} holds a dozen {nouns}. {b} are (broken|gone|eaten). How many are left?",
        "From a dozen {nouns}, {X} takes {b}. How many remain?",
    ), nouns="food", weight=0.6),
    Form("facts.dozen_back", "q:1-12 n=q*12", ("n/12",), (
        "{X} has {n} {nouns}. How many dozen (is that|are there|does {he} have)?",
        "How many dozen are {n} {nouns}?",
        "How many dozens of {nouns} can {X} make from {n}?",
    ), nouns="food", weight=0.5),
    Form("facts.pairs", "a:2-40", ("a*2",), (
        "{X} has {a} pairs of {pair}. How many {pair} (does {he} have|is that|are there)?",
        "How many {pair} are (there in|in) {a} pairs?",
        "There are {a} pairs of {pair} in a {box}. How many[ single] {pair} are there?",
        "{X} buys {a} pairs of {pair}. What is the number of {pair}?",
    ), rows=table("pair", "shoes", "socks", "gloves", "boots", "mittens", "skates", "earrings", "sandals")),
    Form("facts.pairs_back", "q:2-40 n=q*2", ("n/2",), (
        "{X} has {n} {pair}. How many pairs (is that|are there|does {he} have|can {he} make)?",
        "How many pairs can be made from {n} {pair}?",
        "There are {n} {pair} in a {box}. How many pairs is that?",
    ), rows=table("pair", "shoes", "socks", "gloves", "boots", "mittens", "skates", "children", "students"), weight=0.7),
    Form("facts.pairs_price", "a:2-10 b:2-60", ("a*b",), (
        "A pair of {pair} costs {b} dollars. How much do {a} pairs cost?",
        "{X} buys {a} pairs of {pair} for {b} dollars a pair. How much does {he} pay?",
        "One pair of {pair} costs {b} dollars. What do {a} pairs cost?",
    ), rows=table("pair", "shoes", "socks", "gloves", "boots", "jeans", "pants"), weight=0.5),
    Form("facts.weekdays", "b:2-30", ("7-c", "#0*b"), (
        "{X} <produces> {b} {nouns} every day except {day}. How many {nouns} does {he} <produce> in a week?",
        "{X} works {b} hours every day of the week but not on {day}. How many hours does {he} work in a week?",
        "{X} runs {b} miles every day except {day}. How many miles is that in a week?",
    ), rows=table("c", "1"), weight=0.3),
    Form("facts.workdays", "b:2-30", ("b*5",), (
        "{X} works {b} hours a day from Monday to Friday. How many hours does {he} work in a week?",
        "{X} reads {b} pages every day from Monday to Friday. How many pages is that?",
        "From Monday to Friday {X} <produces> {b} {nouns} a day. How many {nouns} is that?",
    ), weight=0.4),
)  # fmt: skip
