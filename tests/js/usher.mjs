// Tickets and live codes: shared/spec/token.md, in JavaScript, without a dependency.
//
// `verify` takes a code's text and the keys of a keyset that its caller trusts, and returns the
// ticket or throws a `Refusal` with the code that the specification gives to the first fault.

import * as ed25519 from "./ed25519.mjs";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const STATIC = 0x11;
const BOUND = 0x12;
const TIMED = 0x13;
const CHALLENGED = 0x14;
const FORMS = {
  [STATIC]: { size: 102, flags: 0 },
  [BOUND]: { size: 134, flags: 1 },
  [TIMED]: { size: 202, flags: 1 },
  [CHALLENGED]: { size: 202, flags: 1 },
};
const LIVE_REQUIRED = 1;
const HEADER = 38;
const STAMP = 134;
const PROOF = 138;

/** A code that is refused; `code` is a failure code of token.md section 5. */
export class Refusal extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

function refuseIf(fault, code) {
  if (fault) throw new Refusal(code);
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function fromHex(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function join(...parts) {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

function domain(name) {
  return new TextEncoder().encode(`usher/${name}/v1\0`);
}

async function hash(name, input) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", join(domain(name), input)));
}

// Section 2: text.

export function encodeBase45(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 2) {
    const pair = i + 1 < bytes.length;
    let number = pair ? bytes[i] * 256 + bytes[i + 1] : bytes[i];
    for (let digits = pair ? 3 : 2; digits > 0; digits--) {
      text += ALPHABET[number % 45];
      number = Math.floor(number / 45);
    }
  }
  return text;
}

export function decodeBase45(text) {
  const values = [...text].map((character) => ALPHABET.indexOf(character));
  refuseIf(values.includes(-1), "base45_alphabet");
  refuseIf(values.length % 3 === 1, "base45_length");
  const bytes = [];
  for (let i = 0; i < values.length; i += 3) {
    const [low, middle, high] = values.slice(i, i + 3);
    const number = low + 45 * middle + 2025 * (high ?? 0);
    if (high === undefined) {
      refuseIf(number > 0xff, "base45_pair");
      bytes.push(number);
    } else {
      refuseIf(number > 0xffff, "base45_triplet");
      bytes.push(number >> 8, number & 0xff);
    }
  }
  return Uint8Array.from(bytes);
}

export function encodeText(bytes) {
  return `U1:${encodeBase45(bytes)}.`;
}

export function decodeText(text) {
  // Characters are code points: one outside the basic plane is two units of a string.
  refuseIf([...text].length > 512, "too_long");
  refuseIf(/[^\x00-\x7f]/.test(text), "not_ascii");
  refuseIf(/^U[2-9]:/.test(text), "unknown_prefix");
  refuseIf(!text.startsWith("U1:"), "not_a_ticket");
  refuseIf(!text.endsWith("."), "no_terminator");
  return decodeBase45(text.slice(3, -1));
}

// Sections 1 and 4: bytes.

export function parse(text) {
  const raw = decodeText(text);
  refuseIf(raw.length === 0, "wrong_length");
  const shown = raw[0];
  const form = FORMS[shown];
  refuseIf(form === undefined, "unknown_type");
  refuseIf(raw.length !== form.size, "wrong_length");
  refuseIf((raw[1] & ~form.flags) !== 0, "reserved_flags");
  const type = shown === STATIC ? STATIC : BOUND;
  const ticket = join([type], raw.subarray(1, FORMS[type].size));
  const view = new DataView(raw.buffer);
  const token = {
    type,
    flags: raw[1],
    kid: toHex(raw.subarray(2, 6)),
    event: toHex(raw.subarray(6, 14)),
    ticket: toHex(raw.subarray(14, 30)),
    gen: view.getUint16(30),
    class: view.getUint16(32),
    exp: view.getUint32(34),
    holder_pk: type === BOUND ? toHex(raw.subarray(HEADER, HEADER + 32)) : "",
  };
  return { shown, token, ticket, raw };
}

// Section 5: verification. `keys` are the entries of a keyset that has been verified itself;
// `gate` is {now (ms), trusted, livePast, liveFuture, challenge (4 bytes or null)}.

export async function verify(text, keys, gate) {
  const code = parse(text);
  await checkIssuer(code, keys, gate);
  const shown = await checkShown(code, gate);
  return {
    shown,
    token: code.token,
    evidence: toHex(await hash("evidence", code.raw)),
    ticket_hash: toHex((await hash("id", fromHex(code.token.ticket))).subarray(0, 16)),
  };
}

async function checkIssuer({ token, ticket }, keys, gate) {
  const key = await findIssuer(token, keys);
  refuseIf(key === undefined, "unknown_issuer");
  refuseIf(key.revoked, "revoked_key");
  const now = Math.floor(gate.now / 1000);
  const outside = now < key.not_before || now >= key.not_after;
  refuseIf(outside, gate.trusted ? "key_outside_window" : "clock_untrusted");
  const end = ticket.length - 64;
  const message = join(domain("ticket"), ticket.subarray(0, end));
  const good = await ed25519.verify(fromHex(key.pk), message, ticket.subarray(end));
  refuseIf(!good, "bad_signature");
}

async function findIssuer(token, keys) {
  for (const key of keys) {
    if (key.role !== "issuer" || key.event !== token.event) continue;
    const kid = (await hash("kid", fromHex(key.pk))).subarray(0, 4);
    if (toHex(kid) === token.kid) return key;
  }
  return undefined;
}

async function checkShown(code, gate) {
  if (code.shown === STATIC || code.shown === BOUND) {
    refuseIf(code.token.flags & LIVE_REQUIRED, "live_code_required");
    refuseIf(gate.challenge !== null, "challenge_required");
    return "static";
  }
  await checkHolder(code);
  return checkMoment(code, gate);
}

// Section 6: the holder's key, proof and moment.

async function checkHolder({ token, raw }) {
  const pk = fromHex(token.holder_pk);
  refuseIf(!ed25519.isValidPoint(pk), "bad_holder_key");
  const message = join(domain("present"), raw.subarray(0, PROOF));
  const good = await ed25519.verify(pk, message, raw.subarray(PROOF));
  refuseIf(!good, "bad_holder_proof");
}

function checkMoment({ shown, raw }, gate) {
  if (shown === CHALLENGED) {
    refuseIf(gate.challenge === null, "challenge_not_asked");
    const stamp = toHex(raw.subarray(STAMP, PROOF));
    refuseIf(stamp !== toHex(gate.challenge), "wrong_challenge");
    return "challenge";
  }
  refuseIf(gate.challenge !== null, "challenge_required");
  refuseIf(!gate.trusted, "live_clock_untrusted");
  const now = Math.floor(gate.now / 1000);
  const at = new DataView(raw.buffer).getUint32(STAMP);
  refuseIf(at < now - gate.livePast, "stale_past");
  refuseIf(at > now + gate.liveFuture, "stale_future");
  return "live";
}

// Section 4: what a wallet makes.

async function presentation(type, ticket, stamp, seed) {
  const body = join([type], ticket.subarray(1), stamp);
  return join(body, await ed25519.sign(seed, join(domain("present"), body)));
}

/** A live code of a bound ticket, for a unix second. */
export async function present(ticket, seed, second) {
  const stamp = new Uint8Array(4);
  new DataView(stamp.buffer).setUint32(0, second);
  return presentation(TIMED, ticket, stamp, seed);
}

/** The answer to a gate's four bytes. */
export async function answer(ticket, seed, challenge) {
  return presentation(CHALLENGED, ticket, challenge, seed);
}
