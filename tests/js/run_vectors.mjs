// Runs the suites of tests/vectors that this verifier covers, and prints TAP.
// It fails when a vector fails, and when there was none.

import { webcrypto } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import * as ed25519 from "./ed25519.mjs";
import * as usher from "./usher.mjs";

globalThis.crypto ??= webcrypto; // Node 18 has it under this name only

async function verifyToken({ input }, suite) {
  const gate = {
    now: input.now_ms,
    trusted: input.trusted,
    livePast: input.live_past,
    liveFuture: input.live_future,
    challenge: input.challenge === null ? null : usher.fromHex(input.challenge),
  };
  try {
    return await usher.verify(input.text, suite.keyset.keys, gate);
  } catch (error) {
    if (error instanceof usher.Refusal) return { error: error.code };
    throw error;
  }
}

// A live code that verifies is made again from its ticket: the wallet's half of the protocol.
async function signAgain({ input, expect }, suite) {
  if (expect.shown !== "live" && expect.shown !== "challenge") return true;
  const { raw, ticket } = usher.parse(input.text);
  const seed = usher.fromHex(suite.seeds.holder);
  const second = new DataView(raw.buffer).getUint32(134);
  const made =
    expect.shown === "live"
      ? await usher.present(ticket, seed, second)
      : await usher.answer(ticket, seed, usher.fromHex(input.challenge));
  return usher.encodeText(made) === input.text;
}

async function token(vector, suite) {
  const { outcome, ...expect } = vector.expect;
  const found = await verifyToken(vector, suite);
  return isDeepStrictEqual(found, expect) && (await signAgain(vector, suite));
}

async function curve({ input, expect }) {
  const [pk, message, signature] = [input.pk, input.message, input.signature].map(usher.fromHex);
  const valid = ed25519.isValidPoint(pk);
  const accepted = valid && (await ed25519.verify(pk, message, signature));
  return valid === expect.valid_key && accepted === expect.accepted;
}

let count = 0;
let failed = 0;
for (const [name, check] of Object.entries({ token, ed25519: curve })) {
  const file = new URL(`../vectors/${name}.json`, import.meta.url);
  const suite = JSON.parse(await readFile(file, "utf8"));
  for (const vector of suite.vectors) {
    const passed = await check(vector, suite).catch((error) => console.log(`# ${error}`));
    count += 1;
    failed += passed === true ? 0 : 1;
    console.log(`${passed === true ? "ok" : "not ok"} ${count} - ${name}: ${vector.name}`);
  }
}
console.log(`1..${count}`);
process.exitCode = failed > 0 || count === 0 ? 1 : 0;
