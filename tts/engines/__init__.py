"""Engines: each turns the requests of many coroutines into batches. Importing this loads none of them."""
