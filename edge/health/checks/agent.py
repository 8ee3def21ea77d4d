"""Does the agent run: the process that scans, decides and writes?"""

from edge.health.reading import Reading
from edge.health.result import FAIL, OK, Result, unseen


def check(reading: Reading) -> Result:
    """A gate without its agent admits nobody."""
    if reading.agent is None:
        return unseen("agent")
    if reading.agent:
        return Result("agent", OK, "agent_running", "running", "The agent runs.")
    todo = "Start its service, or `usher-edge run`."
    return Result("agent", FAIL, "agent_stopped", "stopped", "The agent does not run.", todo)
