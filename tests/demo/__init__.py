"""`make demo`: the plan of its evening, its parts, and all of it as processes."""
