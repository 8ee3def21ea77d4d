// Where a code goes that this browser read: to whoever waits for a badge, else to the gate.

import { scan } from "./scans.js";

const BADGE = "UB1:";
let waiting = null;
let badge = () => {};

export const isBadge = (text) => text.startsWith(BADGE);

// The next code is for `taker`, until it is told to stop.
export function take(taker) {
  waiting = taker;
  return () => {
    if (waiting === taker) waiting = null;
  };
}

export function onBadge(taker) {
  badge = taker;
}

export function read(text, source) {
  if (waiting) return waiting(text, source);
  if (isBadge(text)) return badge(text);
  return scan(text, source);
}
