"""Search lists: who holds which ticket, sealed to supervisors' badges (shared/spec/files.md §3).

`model` says when and what; `making` seals parts, `publisher` signs heads over them, `repository`
holds both, `routes` hand them out.
"""
