// What an event has spent on the ledger: asks the service that served this page, as its organizer
// does, and shows the answer. Tokens are in this page's memory alone.
const LAMPORTS = 1_000_000_000;
const { lang } = document.documentElement;
const words = Object.fromEntries(
  [...document.querySelectorAll("#words > li")].map((each) => [each.dataset.word, each.textContent]),
);
const [door, choice, said, told] = ["door", "choice", "said", "told"].map((id) => document.getElementById(id));
const { tenant, event: evening, again, leave } = choice.elements;
const count = new Intl.NumberFormat(lang);
const moment = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });
const point = count.formatToParts(1.5).find((each) => each.type === "decimal").value;
let tokens = null;
let turn = 0; // of what was asked last: an answer to what was asked before it is shown no more

class Refused extends Error {
  constructor(status, title) {
    super(title);
    this.status = status;
  }
}

async function sent(method, path, body) {
  const headers = { "content-type": "application/json" };
  if (tokens) headers.authorization = `Bearer ${tokens.access_token}`;
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Refused(0, words.away);
  }
  const answered = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, answered?.title ?? words.away);
  return answered;
}

// Access tokens live for ten minutes; a page that is left open goes on.
async function ask(path) {
  try {
    return await sent("GET", path);
  } catch (refused) {
    if (refused.status !== 401 || !tokens) throw refused;
    const { refresh_token } = tokens;
    tokens = null;
    tokens = await sent("POST", "/v1/sessions/refresh", { refresh_token });
    return sent("GET", path);
  }
}

// Every lamport: a number of so many places is no longer exact as a fraction.
function sol(lamports) {
  const size = Math.abs(lamports);
  const rest = String(size % LAMPORTS).padStart(9, "0");
  return `${lamports < 0 ? "−" : ""}${count.format(Math.floor(size / LAMPORTS))}${point}${rest} SOL`;
}

function made(name, attributes, ...inside) {
  const one = Object.assign(document.createElement(name), attributes);
  one.append(...inside);
  return one;
}

function list(className, pairs) {
  const rows = pairs.map(([name, value, kind = ""]) =>
    made("div", {}, made("dt", {}, name), made("dd", { className: kind }, value)),
  );
  return made("dl", { className }, ...rows);
}

function section(name, ...inside) {
  return made("section", {}, made("h2", {}, words[name]), ...inside);
}

function card(title, pairs) {
  return made("article", { className: "card" }, made("h3", {}, title), list("parts", pairs));
}

function because({ paused, fault }) {
  if (fault === "ledger_paused") return words["because.ledger_paused"];
  if (paused) return words["because.paused"];
  if (!fault) return words["because.working"];
  const kind = fault.startsWith("rpc_") ? "rpc" : "other";
  return `${words[`because.${fault}`] ?? words[`because.${kind}`]} (${fault})`;
}

function queue(event) {
  if (!event.waiting) return [[words.waiting, words.nothing_waits]];
  return [
    [words.waiting, count.format(event.waiting)],
    [words.since, moment.format(Date.now() - event.waiting_seconds * 1000)],
    [words.why, because(event), "why"],
  ];
}

function standing(event) {
  const counted = (name) => [words[name], count.format(event[name])];
  const counts = ["minted", "burnt", "frozen"].map(counted);
  const troubles = ["failed", "lost", "reviews"].filter((name) => event[name]).map(counted);
  return section("standing", list("sums", [...counts, ...queue(event), ...troubles]));
}

function money(spent) {
  if (!spent) return section("money", made("p", {}, words.not_yours));
  const sums = ["total", "estimate", "foreseen", "minting"].map((name) => [words[name], sol(spent[name])]);
  const kinds = spent.spent.map((each) =>
    card(words[`kind.${each.kind}`], [
      [words.transactions, count.format(each.transactions)],
      [words.of_them_failed, count.format(each.failed)],
      ...["fees", "protocol", "deposits"].map((name) => [words[name], sol(each[name])]),
      [words.sum, sol(each.total)],
    ]),
  );
  const note = made("p", { className: "quiet" }, kinds.length ? words.note : words.free);
  return section("money", list("sums", sums), note, ...kinds);
}

function trees(event) {
  const cards = event.trees.map((tree) =>
    card(`${words.tree} ${count.format(tree.number + 1)}`, [
      [words.state, words[`tree_state.${tree.state}`] ?? tree.state],
      [words.filled, `${count.format(tree.minted)} ${words.of} ${count.format(tree.leaves)}`],
      [words.cost, sol(tree.total)],
    ]),
  );
  return cards.length ? [section("trees", ...cards)] : [];
}

function shown(event, spent) {
  const nothing = !event.trees.length && !event.waiting && !event.minted && !event.failed && !event.burnt;
  if (nothing) return [made("p", {}, words.empty)];
  return [standing(event), money(spent), ...trees(event)];
}

async function spending(path) {
  try {
    return await ask(`${path}/spent`);
  } catch (refused) {
    if (refused.status === 403 || refused.status === 404) return null;
    throw refused;
  }
}

async function look() {
  const path = `/v1/tenants/${tenant.value}/events/${evening.value}/ledger`;
  await during(async (isMine) => {
    const event = await ask(path);
    const spent = await spending(path);
    if (isMine()) told.replaceChildren(...shown(event, spent));
  });
}

async function events() {
  await during(async (isMine) => {
    const found = [];
    let cursor = "";
    do {
      const page = await ask(`/v1/tenants/${tenant.value}/events?limit=100&cursor=${encodeURIComponent(cursor)}`);
      found.push(...page.items);
      cursor = page.next;
    } while (cursor);
    if (!isMine()) return;
    const day = new Intl.DateTimeFormat(lang, { dateStyle: "medium" });
    evening.replaceChildren(
      ...found.map((each) => new Option(`${each.name}, ${day.format(new Date(each.starts_at))}`, each.event_id)),
    );
    if (!found.length) throw new Refused(0, words.no_events);
    await look();
  });
}

// Do something; what it was refused with is said, and who is signed in no more is at the door.
async function during(act) {
  turn += 1;
  const mine = turn;
  said.textContent = "";
  told.replaceChildren();
  try {
    await act(() => mine === turn);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    if (mine > turn) return;
    said.textContent = refused.message;
    if (refused.status === 401) close();
  }
}

function close() {
  tokens = null;
  choice.hidden = true;
  door.hidden = false;
}

async function open() {
  const { email, password } = door.elements;
  tokens = null;
  try {
    tokens = await sent("POST", "/v1/sessions", { email: email.value, password: password.value });
  } catch (refused) {
    throw refused.status === 401 ? new Refused(0, words.refused) : refused;
  }
  password.value = "";
  const mine = await ask("/v1/tenants");
  if (!mine.length) throw new Refused(0, words.none_mine);
  tenant.replaceChildren(...mine.map((each) => new Option(each.name, each.tenant_id)));
  door.hidden = true;
  choice.hidden = false;
  await events();
}

door.addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  during(open);
});
choice.addEventListener("submit", (submitted) => submitted.preventDefault());
tenant.addEventListener("change", events);
evening.addEventListener("change", look);
again.addEventListener("click", () => (evening.value ? look() : events()));
leave.addEventListener("click", () =>
  during(async () => {
    const leaving = sent("DELETE", "/v1/sessions/current");
    close();
    await leaving;
  }),
);
