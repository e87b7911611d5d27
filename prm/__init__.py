"""Process reward models, one file a family.

A family's file says how its prompt grows step by step (:class:`tts.protocols.RewardFormat`), how its weights become a
module, and how hidden states become scores. Engines find a family by name through :mod:`tts.registry`; no engine knows
any of them, and no family knows an engine. The formats load neither torch nor transformers.
"""
