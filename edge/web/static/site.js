// What this screen knows of its lane and device: told by the gate, read by everything else.

export const site = { lane: null, status: null, counts: null, posts: [], challenge: "", ahead: 0, lost: true };

const readers = new Set();

export function onChange(reader) {
  readers.add(reader);
}

export function learn(news) {
  Object.assign(site, news);
  if (news.status) site.ahead = news.status.at - Date.now();
  for (const reader of readers) reader(site);
}

// The gate's clock, not the phone's.
export const now = () => Date.now() + site.ahead;
export const signedIn = () => Boolean(site.lane?.session) || Boolean(site.lane?.unattended);
export const supervises = () => site.lane?.session?.role === "supervisor";
