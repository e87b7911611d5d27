"""Time and distance: units of time, durations, speed."""

from benchmarks.word_problems.everyday.form import Form, table

_UNITS = table(
    "one many small c",
    "week | weeks | days | 7", "week | weeks | days | 7", "day | days | hours | 24", "hour | hours | minutes | 60", "minute | minutes | seconds | 60",
    "year | years | months | 12", "year | years | weeks | 52", "decade | decades | years | 10", "century | centuries | years | 100",
)  # fmt: skip
_SPEED = table(
    "who verb did unit",
    "A car | drives | drive | miles", "A car | travels | travel | km", "A train | travels | travel | miles", "A train | goes | go | km", "A bus | drives | drive | miles",
    "A bike rider | rides | ride | miles", "A plane | flies | fly | miles", "A boat | sails | sail | miles", "A runner | runs | run | km", "A truck | drives | drive | kilometers",
    "A bird | flies | fly | kilometers", "A ship | travels | travel | miles", "A snail | moves | move | meters", "A cyclist | rides | ride | km",
)  # fmt: skip

FORMS = (
    Form("time.units", "a:2-12", ("a*c",), (
        "How many {small} are (there in|in) {a} {many}?",
        "There are {c} {small} in (a|one) {one}. How many {small} are (there in|in) {a} {many}?",
        "(A|One) {one} has {c} {small}. How many {small} do {a} {many} have?",
        "{X} (stays|is away|waits|travels) for {a} {many}. How many {small} is that?",
        "How many {small} do {a} {many} have?",
        "{a} {many} (are|is) how many {small}?",
        "Convert {a} {many} to {small}.",
        "How many {small} are {a} {many}?",
        "How many {small} make up {a} {many}?",
    ), rows=_UNITS, weight=1.4),
    Form("time.units_back", "q:2-12 n=q*c", ("n/c",), (
        "How many {many} are {n} {small}?",
        "How many {many} are (there in|in) {n} {small}?",
        "{X} (stays|is away|waits|travels) for {n} {small}. How many {many} is that?",
        "{n} {small} (are|is) how many {many}?",
        "Convert {n} {small} to {many}.",
        "There are {c} {small} in a {one}. How many {many} are {n} {small}?",
        "A (trip|job|project) takes {n} {small}. How many {many} does it take?",
    ), rows=_UNITS),
    Form("time.units_plus", "a:1-9 m=c-1 b:1-m", ("a*c", "#0+b"), (
        "How many {small} are {a} {many} and {b} {small}?",
        "How many {small} are (there in|in) {a} {many} and {b} {small}?",
        "{X} (stays|waits|is away) for {a} {many} and {b} {small}. How many {small} is that?",
        "A (movie|trip|game|lesson) takes {a} {many} and {b} {small}. How many {small} (is that|does it take)?",
        "What is {a} {many} and {b} {small} in {small}?",
    ), rows=_UNITS[:6]),
    Form("time.weeks_of", "a:2-12", ("a*c",), (
        "{X} is on vacation for {a} weeks. How many days is that?",
        "{X} waits {a} weeks for a package. How many days is that?",
        "School starts in {a} weeks. How many days is that?",
        "It is {a} weeks until {his} birthday. How many days is that?",
        "A trip takes {a} weeks. How many days does it take?",
    ), rows=table("c", "7")),
    Form("time.clock_after", "a:1-11 m=12-a b:1-m", ("a+b",), (
        "A (movie|game|party|lesson|concert) starts at {a!} o'clock and (lasts|takes) {b} hours. (When|At what time) does it end?",
        "A (movie|game|party|lesson|concert) starts at {a!} o'clock. It (lasts|takes) {b} hours. At what time does it (end|finish)?",
        "It is {a!} o'clock. What time will it be in {b} hours?",
        "{X} leaves at {a!} o'clock and travels for {b} hours. (When|At what time) does {he} arrive?",
        "{X} starts work at {a!} o'clock and works {b} hours. At what hour is {he} done?",
    )),
    Form("time.clock_before", "c:3-12 b:1-8 b<c", ("c-b",), (
        "A (movie|game|party|lesson) ends at {c!} o'clock. It lasted {b} hours. (When|At what time) did it start?",
        "It is {c!} o'clock. What time was it {b} hours ago?",
        "{X} arrives at {c!} o'clock after {b} hours. (When|At what time) did {he} leave?",
    ), weight=0.6),
    Form("time.clock_between", "a:1-11 m=12-a d:1-m c=a+d", ("c-a",), (
        "A (movie|game|party|lesson|trip) starts at {a!} o'clock and ends at {c!} o'clock. How (long|many hours) (does it last|is it|does it take)?",
        "{X} (works|sleeps|plays|reads|walks) from {a!} o'clock to {c!} o'clock. How many hours is that?",
        "{X} leaves at {a!} o'clock and arrives at {c!} o'clock. How (many hours|long) does the trip take?",
        "How many hours are there (between|from) {a!} o'clock and {c!} o'clock?",
        "The {place} opens at {a!} and closes at {c!}. How many hours is it open?",
        "{X} starts at {a!} o'clock and stops at {c!} o'clock. What is the time in hours?",
    )),
    Form("time.minutes_sum", "a:2-60 b:2-60", ("a+b",), (
        "{X} (reads|plays|walks|runs|practices) for {a} minutes in the morning and {b} minutes in the (evening|afternoon). How many minutes is that[ <altogether>]?",
        "{X} spends {a} minutes on (homework|math|reading) and {b} minutes on (the piano|games|science). How many minutes (is that|does {he} spend) <altogether>?",
        "(Breakfast|Lunch|A lesson) takes {a} minutes and the (break|trip) takes {b} minutes. How long do both take[ <altogether>]?",
        "{X} needs {a} minutes to get to the {place} and {b} minutes to get home. How long is {he} on the way?",
        "The bus ride takes {a} minutes and the walk {b} minutes. How many minutes does it take <altogether>?",
    )),
    Form("time.distance", "a:2-12 b~90", ("b*a",), (
        "{who} {verb} {b} {unit} (an hour|per hour|each hour|every hour). How (far|many {unit}) does it {did} in {a} hours?",
        "{who} {verb} (at|with a speed of) {b} {unit} (an hour|per hour). How (far|many {unit}) does it {did} in {a} hours?",
        "{who} {verb} for {a} hours at {b} {unit} (an hour|per hour). How (far|many {unit}) does it {did}?",
        "How far does {who} {did} in {a} hours at {b} {unit} (an hour|per hour)?",
        "{X} (drives|rides|walks|runs) {b} {unit} (an hour|per hour) for {a} hours. How (far|many {unit}) (is that|does {he} go)?",
        "{X} (drives|rides|walks) for {a} hours at {b} {unit} per hour. What is the distance?",
        "{who} {verb} {b} {unit} in one hour. How far does it {did} in {a} hours?",
        "The speed is {b} {unit} per hour. What distance is that in {a} hours?",
    ), rows=_SPEED, weight=1.2),
    Form("time.speed", "k:2-12 q~80 n=k*q", ("n/k",), (
        "{who} {verb} {n} {unit} in {k} hours. (What is its speed|How many {unit} does it {did} per hour|How far does it {did} in one hour)?",
        "{X} (drives|rides|walks|runs) {n} {unit} in {k} hours. (What is {his} speed|How many {unit} does {he} go per hour|How far does {he} go each hour)?",
        "{who} needs {k} hours for {n} {unit}. What is its speed (in {unit} per hour|)?",
        "What is the speed of someone who goes {n} {unit} in {k} hours?",
    ), rows=_SPEED),
    Form("time.duration", "b:2-80 q:2-12 n=b*q", ("n/b",), (
        "{who} {verb} {b} {unit} (an hour|per hour). How (long does it take|many hours does it need) for {n} {unit}?",
        "{X} (drives|rides|walks) {n} {unit} at {b} {unit} per hour. How (many hours|long) does it take?",
        "How (many hours|long) does it take to go {n} {unit} at {b} {unit} per hour?",
        "A trip of {n} {unit} is made at {b} {unit} (an hour|per hour). How many hours does it take?",
    ), rows=_SPEED),
    Form("time.trip_rest", "a:2-10 b~80 p=a*b d~200 n=p+d", ("b*a", "n-#0"), (
        "{X} (drives|rides) for {a} hours at {b} miles per hour. The trip is {n} miles. How (many miles are left|far is it still)?",
        "A trip is {n} miles[ long]. {X} drives {b} miles an hour for {a} hours. How many miles are left?",
        "{X} wants to go {n} km. {He} goes {b} km a day for {a} days. How many km are left?",
    ), weight=0.6),
    Form("time.round_trip", "a~400", ("a*2",), (
        "It is {a} (miles|km) from {X}'s house to the {place}. How (far|many miles) is it there and back?",
        "{X} (walks|rides|drives) {a} (miles|km) to the {place} and the same way back. How (far|many miles) (is that|does {he} go)?",
        "The {place} is {a} (miles|km) away. {X} goes there and back. How far does {he} go?",
        "{X} lives {a} (miles|km) from the {place}. What is the distance there and back?",
    ), weight=0.7),
    Form("time.distance_sum", "a~500 b~500", ("a+b",), (
        "{X} (walks|runs|drives|rides) {a} (miles|km) on {day} and {b} on {day2}. How (far|many miles) (is that|does {he} go) <altogether>?",
        "{X} (walks|runs|drives|rides) {a} (miles|km) and then {b}[ more]. How far (does {he} go|is that)[ <altogether>]?",
        "From {X}'s house to the {place} it is {a} meters, and from there to school {b} meters. How far is it <altogether>?",
        "{X} (swims|runs) {a} meters in the morning and {b} meters in the evening. How many meters is that <altogether>?",
        "{X} ran {a} meters, then walked {b} meters. What is the whole distance in meters?",
    )),
    Form("time.distance_left", "a~2000 b:1-a b<a", ("a-b",), (
        "{X} wants to (walk|run|drive|ride) {a} (miles|km|meters). {He} has gone {b}. How (many are left|far is it still|much is left)?",
        "A (trip|road|race|trail) is {a} (miles|km|meters) long. {X} has (driven|done|run) {b}. How (many are left|far does {he} still have to go)?",
        "It is {a} miles to the {place}. {X} has driven {b} miles. How many miles are left?",
        "{X} has covered {b} of {a} (miles|km|meters). How many remain?",
    )),
)  # fmt: skip
