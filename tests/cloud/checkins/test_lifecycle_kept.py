"""What the database refuses by itself of tickets' moves and of records, whoever asks."""

import asyncpg
import pytest

from cloud.tickets.lifecycle import TABLE, Move, State
from tests.cloud.checkins.scene import Scene, set_scene
from tests.cloud.database import Database, awaited

STATES = [state for state in State if state is not State.NONE]
# Tries every move between all states, and takes each back.
TRY = """
    CREATE FUNCTION tried(which uuid, states text[], moves text[])
        RETURNS TABLE (state text, move text, target text, step integer)
        LANGUAGE plpgsql AS $$
    #variable_conflict use_column
    BEGIN
        FOREACH state IN ARRAY states LOOP
            SET LOCAL session_replication_role = replica; -- puts it there, whatever it was
            UPDATE ticket SET state = tried.state, gen = 0, token = NULL, holder = NULL,
                   order_id = CASE WHEN tried.state <> 'created' THEN which END
             WHERE ticket_id = which;
            SET LOCAL session_replication_role = origin;
            FOR move, target, step IN
                SELECT m, t, n FROM unnest(moves) m, unnest(states) t, generate_series(0, 1) n
                 WHERE (tried.state, 0) <> (t, n) LOOP
                PERFORM set_config('app.move', move, true);
                BEGIN
                    UPDATE ticket SET state = target, gen = step,
                           order_id = CASE WHEN target <> 'created' THEN which END
                     WHERE ticket_id = which;
                    RAISE SQLSTATE 'UT001';
                EXCEPTION
                    WHEN SQLSTATE 'UT001' THEN RETURN NEXT;
                    WHEN check_violation THEN
                        IF SQLERRM NOT LIKE 'illegal move: %' THEN
                            RAISE;
                        END IF;
                END;
            END LOOP;
        END LOOP;
    END $$
"""
ENTER = "SELECT set_config('app.tenant', $1, true), set_config('app.actor', 'test', true)"
RECORD = """
    INSERT INTO record (event_ref, record_id, device_id, incarnation, seq, kind, ticket, raw)
    SELECT decode(repeat('00', 8), 'hex'), device_id, device_id, 1, 1, 1,
           decode(repeat('00', 16), 'hex'), decode(repeat('00', 256), 'hex')
      FROM unnest($1::bytea[]) AS d (device_id)
"""
DEVICE = """
    INSERT INTO device (tenant_id, device_id, public, kind, name)
    VALUES ('{}', '\\x{}', decode(repeat('00', 32), 'hex'), 'gate', 'gate')
"""


@pytest.fixture
def scene(database: Database) -> Scene:
    return set_scene(database)


async def _made(scene: Scene, ticket: object) -> set[tuple[str, str, str, int]]:
    """Return the moves that the database has made."""
    conn = await asyncpg.connect(scene.database.root_url)
    try:
        async with conn.transaction():
            await conn.execute(TRY)
            await conn.execute(ENTER, str(scene.tenant))
            states, moves = [each.value for each in STATES], [each.value for each in Move]
            asked = "SELECT * FROM tried($1, $2, $3)"
            return {tuple(row) for row in await conn.fetch(asked, ticket, states, moves)}
    finally:
        await conn.close()


def test_the_database_makes_the_legal_moves_and_no_other(scene: Scene) -> None:
    """Of all states, moves and generations, just those of the table."""
    legal = {
        (state.value, move.value, step.state.value, step.gen)
        for (state, move), step in TABLE.items()
        if state is not State.NONE
    }
    assert awaited(_made(scene, scene.ticket())) == legal


async def _write(scene: Scene, *devices: bytes) -> None:
    conn = await asyncpg.connect(scene.database.app_url)
    try:
        async with conn.transaction():
            await conn.execute("SELECT set_config('app.tenant', $1, true)", str(scene.tenant))
            await conn.execute(RECORD, list(devices))
    finally:
        await conn.close()


def test_a_record_needs_a_device_of_its_tenant(scene: Scene) -> None:
    """Neither an unknown device's is kept nor another tenant's, and nothing beside it."""
    own, foreign, unknown = b"o" * 16, b"f" * 16, b"u" * 16
    scene.run(DEVICE.format(scene.tenant, own.hex()))
    scene.run(DEVICE.format(set_scene(scene.database).tenant, foreign.hex()))
    for stranger in (foreign, unknown):
        with pytest.raises(asyncpg.ForeignKeyViolationError, match="unknown device"):
            awaited(_write(scene, own, stranger))
        assert scene.raws() == []
    awaited(_write(scene, own))
    assert len(scene.raws()) == 1


@pytest.mark.parametrize(
    "act",
    ["DELETE FROM device", "TRUNCATE device CASCADE", "UPDATE device SET device_id = device_id"],
)
def test_a_device_stays(scene: Scene, act: str) -> None:
    """Records name it: not even the owner of the database takes it away."""
    with pytest.raises(asyncpg.RestrictViolationError, match="device only grows"):
        scene.run(act)
