// The page renews its list by itself, and says so when it can't.

const EVERY = 10_000;
const list = document.getElementById("health");

async function renew() {
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("health");
    if (answer.ok && fresh && fresh.innerHTML !== list.innerHTML) list.replaceChildren(...fresh.childNodes);
    document.body.dataset.stale = "no";
  } catch {
    document.body.dataset.stale = "yes";
  }
  document.getElementById("unreachable").hidden = document.body.dataset.stale === "no";
}

setInterval(renew, EVERY);
