"""Files and the text in them: UTF-8, JSON, JSON Lines, names made of data, locks."""
