// Ed25519 as shared/spec/README.md ("Signatures") asks for it, on top of WebCrypto.
//
// WebCrypto checks S < L and the equation without the cofactor. What it leaves out is here:
// that a key, and the point R of a signature, is a canonical point of the prime-order group.

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * inverse(121666n));
const SQRT_M1 = power(2n, (P - 1n) / 4n);
const PKCS8_HEADER = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);

function mod(a) {
  const r = a % P;
  return r < 0n ? r + P : r;
}

function power(base, exponent) {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * b) % P;
    b = (b * b) % P;
  }
  return result;
}

function inverse(a) {
  return power(a, P - 2n);
}

// Points are extended: x = X/Z, y = Y/Z, xy = T/Z.
function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2));
  const b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * D * t1 * t2);
  const d = mod(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function multiply(scalar, point) {
  let result = [0n, 1n, 1n, 0n];
  for (let q = point, s = scalar; s > 0n; s >>= 1n) {
    if (s & 1n) result = add(result, q);
    q = add(q, q);
  }
  return result;
}

function isIdentity([x, y, z]) {
  return x === 0n && y === z;
}

// The point of 32 bytes, or null where they are not the one encoding of a point.
function decode(bytes) {
  let number = 0n;
  for (const byte of [...bytes].reverse()) number = (number << 8n) | BigInt(byte);
  const sign = number >> 255n;
  const y = number & (2n ** 255n - 1n);
  if (y >= P) return null;
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x) !== square) x = mod(x * SQRT_M1);
  if (mod(x * x) !== square) return null;
  if (x === 0n && sign === 1n) return null;
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
}

/** Whether 32 bytes are a canonical point of the prime-order group, and not its identity. */
export function isValidPoint(bytes) {
  const point = bytes.length === 32 ? decode(bytes) : null;
  return point !== null && !isIdentity(point) && isIdentity(multiply(L, point));
}

/** Whether `signature` is `pk`'s over `message`. `pk` must be a valid point. */
export async function verify(pk, message, signature) {
  if (pk.length !== 32 || signature.length !== 64) return false;
  const key = await crypto.subtle.importKey("raw", pk, "Ed25519", false, ["verify"]);
  if (!(await crypto.subtle.verify("Ed25519", key, signature, message))) return false;
  return isValidPoint(signature.subarray(0, 32));
}

/** The signature of `message` by a 32-byte seed. */
export async function sign(seed, message) {
  const pkcs8 = new Uint8Array([...PKCS8_HEADER, ...seed]);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("Ed25519", key, message));
}
