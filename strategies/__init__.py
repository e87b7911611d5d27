"""The search algorithms, one file each: a frozen dataclass of parameters and the algorithm in one async call.

Start with :mod:`strategies.beam_search`. A strategy sees nothing but :class:`tts.search.search.Search`.
"""
