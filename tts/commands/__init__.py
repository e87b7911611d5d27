"""The commands of ``tts``, one file each: parsing and printing only."""
