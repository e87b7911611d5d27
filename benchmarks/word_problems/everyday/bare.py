"""Bare sums and riddles about numbers: the computation itself, in signs or in words."""

from benchmarks.word_problems.everyday.form import Form

_END = "(=| =| = ?|?|)"


def _asked(*expressions: str) -> tuple[str, ...]:
    """Return the usual ways to ask for an expression; the last of them is kept for the test split."""
    ways = (
        "What is {}?",
        "What is {}?",
        "{}" + _END,
        "{}" + _END,
        "How much is {}?",
        "(Calculate|Compute|Solve|Find|What's) {}(.|)",
        "Find the value of {}.",
    )
    return tuple(way.replace("{}", e) for way in ways for e in expressions)


_P, _M, _T, _D = (
    "{a!}( + |+| plus ){b!}",
    "{a!}( - |-| minus ){b!}",
    "{a!}( * |*| x | × | times | times ){b!}",
    "{n!}( / |/| ÷ | : | divided by ){k!}",
)

FORMS = (
    Form("bare.add", "a~5000 b~5000", ("a+b",), _asked(_P), nouns="toys", weight=2.5),
    Form("bare.subtract", "a~9999 b:1-a b<a", ("a-b",), _asked(_M), weight=2.5),
    Form("bare.subtract_small", "a:2-100 b:1-a", ("a-b",), _asked(_M)),
    Form("bare.multiply", "a:2-12 b:2-12", ("a*b",), _asked(_T), weight=2.0),
    Form("bare.multiply_large", "a:2-12 b~900 p=a*b p<10000", ("a*b",), _asked(_T, "{b!}( * |*| x | × | times ){a!}"), weight=1.5),
    Form("bare.divide", "k:2-12 q~100 n=k*q", ("n/k",), _asked(_D), weight=2.5),
    Form("bare.add_three", "a~900 b~900 c~900", ("a+b", "#0+c"), _asked("{a!}( + |+| plus ){b!}( + |+| plus ){c!}")),
    Form("bare.add_four", "a~100 b~100 c~100 e~100", ("a+b", "#0+c", "#1+e"), _asked("{a!} + {b!} + {c!} + {e!}"), weight=0.5),
    Form("bare.add_subtract", "a~900 b~900 s=a+b c:1-s", ("a+b", "#0-c"), _asked("{a!}( + |+| plus ){b!}( - |-| minus ){c!}")),
    Form("bare.subtract_add", "a~900 b:1-a c~900", ("a-b", "#0+c"), _asked("{a!}( - |-| minus ){b!}( + |+| plus ){c!}")),
    Form("bare.subtract_two", "a~900 b:1-a r=a-b c:1-r", ("a-b", "#0-c"), _asked("{a!}( - |-| minus ){b!}( - |-| minus ){c!}"), weight=0.6),
    Form("bare.product_plus", "a:2-12 b:2-20 c~200", ("a*b", "#0+c"), _asked("{a!}( * |*| x | × | times ){b!}( + |+| plus ){c!}")),
    Form("bare.plus_product", "a:2-12 b:2-20 c~200", ("a*b", "c+#0"), _asked("{c!}( + |+| plus ){a!}( * |*| x | × | times ){b!}")),
    Form("bare.product_minus", "a:2-12 b:2-20 p=a*b c:1-p", ("a*b", "#0-c"), _asked("{a!}( * |*| x | × | times ){b!}( - |-| minus ){c!}")),
    Form("bare.minus_product", "a:2-9 b:2-12 p=a*b d~200 c=p+d", ("a*b", "c-#0"), _asked("{c!}( - |-| minus ){a!}( * |*| x | × ){b!}"), weight=0.6),
    Form("bare.bracket_times", "a:2-40 b:2-40 k:2-9", ("a+b", "#0*k"), _asked("({a!} + {b!})( * |*| x | × ){k!}", "{k!}( * |*| x | × )({a!} + {b!})"), weight=0.7),
    Form("bare.bracket_minus_times", "a:3-60 b:1-a b<a k:2-9", ("a-b", "#0*k"), _asked("({a!} - {b!})( * |*| x | × ){k!}"), weight=0.5),
    Form("bare.three_factors", "a:2-9 b:2-9 c:2-9", ("a*b", "#0*c"), _asked("{a!}( * |*| x | × ){b!}( * |*| x | × ){c!}"), weight=0.6),
    Form("bare.quotient_plus", "k:2-12 q:2-30 n=k*q c~100", ("n/k", "#0+c"), _asked("{n!}( / |/| ÷ ){k!} + {c!}"), weight=0.6),
    Form("bare.square", "a:2-30", ("a*a",), ("What is {a!} squared?", "What is the square of {a!}?", "What is {a!} times itself?"), weight=0.4),
    Form("bare.words_add", "a~2000 b~2000", ("a+b",), (
        "What is the sum of {a} and {b}?", "Add {a} and {b}.", "What is {b} more than {a}?", "What number is {b} more than {a}?", "Find the sum of {a} and {b}.", "What do you get if you add {b} to {a}?",
        "Add {b} to {a}.", "{a} and {b} (is|are|make) how much?", "How much is {a} and {b}?", "Increase {a} by {b}.", "What is the total of {a} and {b}?")),
    Form("bare.words_subtract", "a~4000 b:1-a b<a", ("a-b",), (
        "What is the difference (between|of) {a} and {b}?", "Subtract {b} from {a}.", "What is {b} less than {a}?", "What number is {b} less than {a}?", "Take {b} (away|) from {a}.", "How much more is {a} than {b}?",
        "How much is {a} less {b}?", "Decrease {a} by {b}.", "What is {a} take away {b}?", "By how much is {a} larger than {b}?")),
    Form("bare.words_multiply", "a:2-12 b~100", ("a*b",), (
        "What is the product of {a} and {b}?", "Multiply {a} by {b}.", "Multiply {a} and {b}.", "What do you get if you multiply {a} by {b}?", "Find the product of {a} and {b}.", "How much is {a} times {b}?")),
    Form("bare.words_divide", "k:2-12 q~60 n=k*q", ("n/k",), (
        "Divide {n} by {k}.", "What do you get if you divide {n} by {k}?", "What is {n} divided by {k}?", "How many times does {k} go into {n}?", "How often does {k} fit into {n}?", "What is the quotient of {n} and {k}?",
        "How many {k!}s are in {n}?")),
    Form("bare.double", "a~500", ("a**2",), ("What is double {a}?", "What is twice {a}?", "Double {a}.", "What is the double of {a}?", "How much is two times {a}?")),
    Form("bare.triple", "a~200", ("a**3",), ("What is three times {a}?", "Triple {a}.", "What is triple {a}?", "What is the triple of {a}?"), weight=0.5),
    Form("bare.half", "q~500 n=2*q", ("n/2",), ("What is half of {n}?", "Halve {n}.", "How much is half of {n}?", "What is the half of {n}?", "What is one half of {n}?")),
    Form("bare.missing_addend", "a~900 x~900 c=a+x", ("c-a",), (
        "What number plus {a} is {c}?", "{a!} + ? = {c!}", "? + {a!} = {c!}", "{a!} + x = {c!}. What is x?", "x + {a!} = {c!}. (What is x|Find x)?", "What must be added to {a} to (get|make) {c}?", "{a} plus what is {c}?",
        "What number do you add to {a} to get {c}?", "{a!} + __ = {c!}", "Which number added to {a} gives {c}?")),
    Form("bare.missing_minuend", "a~900 c~900", ("c+a",), (
        "What number minus {a} is {c}?", "? - {a!} = {c!}", "x - {a!} = {c!}. (What is x|Find x)?", "If you take {a} from a number you get {c}. What is the number?", "From which number do you take {a} to get {c}?"), weight=0.7),
    Form("bare.missing_subtrahend", "c~900 x~900 a=c+x", ("a-c",), (
        "{a!} - ? = {c!}", "{a!} - x = {c!}. (What is x|Find x)?", "{a} minus what is {c}?", "What must be taken from {a} to get {c}?", "What number do you subtract from {a} to get {c}?"), weight=0.7),
    Form("bare.missing_factor", "a:2-12 x:2-30 c=a*x", ("c/a",), (
        "What number times {a} is {c}?", "{a!} * ? = {c!}", "{a!} x ? = {c!}", "? * {a!} = {c!}", "{a} times what is {c}?", "{a!} * x = {c!}. (What is x|Find x)?", "{a!}x = {c!}. What is x?", "Which number multiplied by {a} gives {c}?")),
    Form("bare.missing_dividend", "a:2-12 c:2-30", ("c*a",), (
        "What number divided by {a} is {c}?", "? / {a!} = {c!}", "x / {a!} = {c!}. What is x?", "A number divided by {a} gives {c}. What is the number?"), weight=0.6),
    Form("bare.riddle_add", "x~100 a~100 c=x+a", ("c-a",), (
        "I think of a number. I add {a} and get {c}. What is my number?", "I think of a number and add {a}. The result is {c}. What (is|was) the number?", "{X} thinks of a number, adds {a} and gets {c}. What is the number?"), weight=0.6),
    Form("bare.riddle_subtract", "a~100 c~100", ("c+a",), (
        "I think of a number. I subtract {a} and get {c}. What is my number?", "I think of a number and take away {a}. The result is {c}. What (is|was) the number?", "{X} thinks of a number, takes away {a} and gets {c}. What is the number?"), weight=0.5),
    Form("bare.riddle_multiply", "x:2-60 a:2-10 c=x*a", ("c/a",), (
        "I think of a number. I multiply it by {a} and get {c}. What is my number?", "I think of a number, multiply it by {a} and get {c}. What is the number?", "A number times {a} is {c}. What is the number?"), weight=0.5),
    Form("bare.riddle_two", "x:2-40 k:2-9 p=x*k b~60 c=p+b", ("c-b", "#0/k"), (
        "I think of a number. I multiply it by {k} and add {b}. I get {c}. What is my number?", "{k} times a number plus {b} is {c}. What is the number?", "{k!}x + {b!} = {c!}. What is x?",
        "{X} thinks of a number, multiplies it by {k} and adds {b}. The result is {c}. What is the number?"), weight=0.5),
    Form("bare.then", "a~100 b~100 k:2-9", ("a+b", "#0*k"), (
        "Add {a} and {b}, then multiply by {k}.", "Start with {a}. Add {b}. Multiply by {k}. What do you get?", "Start with {a}, add {b}, then multiply by {k}. What is the result?"), weight=0.5),
    Form("bare.next", "a~9999", ("a+1",), ("What number comes after {a}?", "What is one more than {a}?", "Which number comes right after {a}?"), weight=0.2),
    Form("bare.before", "a~9999", ("a-1",), ("What number comes before {a}?", "What is one less than {a}?", "Which number comes right before {a}?"), weight=0.2),
)  # fmt: skip
