"""The search algorithms, one per file: a frozen dataclass of parameters and the algorithm in one async call.

Start with :mod:`strategies.beam_search`. A strategy uses only :class:`tts.search.search.Search`.
"""
