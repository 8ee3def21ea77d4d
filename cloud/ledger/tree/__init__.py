"""A concurrent Merkle tree (SPL and MPL account compression), byte for byte. Pure.

`ConcurrentTree` is the account; `Nodes` is the whole tree, which gives proofs. They meet in
`Change`: what one call of the account did to the path of one leaf.
"""
