"""Rehearsal: the chain's own programs execute each transaction beside the embedded engine.

    programs = read_programs(Path("programs"))      # files dumped from the chain
    chain = await EmbeddedChain.open(pool, clock, secret, Watch(Stage(programs), reports))

`programs.py` reads the files, `stage.py` executes in LiteSVM, `comparing.py` says where the two
differ, `watch.py` stops the ledger then, with a report. `life.py` leads tickets through all that
the ledger does; `usher-cloud ledger rehearse FOLDER` does so in memory, without a database.
"""
