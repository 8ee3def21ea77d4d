"""What a person must settle: found by merging, kept with the evidence, decided, and told to gates.

`merging` keeps an event's incidents as its merged view has them; `jobs` does so whenever something
came in; `repository` stores them, `routes` show and decide them, `feed` tells devices.
"""
