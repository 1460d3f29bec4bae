// Follows one job: appends what it writes, and renews the parts of its page that change with its state.
// Text is only ever added as text. It stops at the job's end and rests while the tab is hidden.
const EVERY = 1000;
const RENEW = 5000;
const AFTER_FAILURE = 5000;
const PIECE = 65536;
const MOST_SHOWN = 2 ** 20; // characters kept on the page; the download has all of them

const log = document.querySelector("[data-log]");
const pane = log.querySelector("[data-log-body]");
const text = log.querySelector("[data-log-text]");
const earlier = log.querySelector("[data-log-earlier]");
const link = document.querySelector("[data-live-state]");

let next = Number(log.dataset.next);
let version = log.dataset.version;
let renewed = Date.now();
let cut = Number(log.dataset.start);
let kept = text.textContent.length;
let following = true;
let behind = false;
if (text.firstChild) text.firstChild.bytes = next - cut;

const atEnd = () => pane.scrollHeight - pane.scrollTop - pane.clientHeight < 32;
const toEnd = () => { pane.scrollTop = pane.scrollHeight; };

function say(state, words) {
  if (link.dataset.liveState === state) return;
  link.dataset.liveState = state;
  link.textContent = words;
}

function append(piece, size) {
  if (!piece) return;
  log.querySelector("[data-log-empty]")?.remove();
  const node = document.createTextNode(piece);
  node.bytes = size;
  text.append(node);
  kept += piece.length;
  forgetOldest();
  if (following) toEnd();
}

function forgetOldest() {
  while (kept > MOST_SHOWN && text.childNodes.length > 1) {
    const oldest = text.firstChild;
    cut += oldest.bytes;
    kept -= oldest.data.length;
    oldest.remove();
    sayCut();
  }
}

function sayCut() {
  earlier.hidden = false;
  earlier.textContent = `The first ${Math.round(cut / 1024).toLocaleString("en")} KiB are not shown here. Download the output to read them.`;
}

// A job that writes faster than a page can show: on to the end of what there is.
function skipTo(place) {
  next = cut = place;
  kept = 0;
  text.replaceChildren();
  sayCut();
}

// A part is left alone while text is selected in it: false. What has the focus gets it back.
function swap(part, fresh) {
  if (part.isEqualNode(fresh)) return true;
  const selection = getSelection();
  if (!selection.isCollapsed && selection.containsNode(part, true)) return false;
  const focused = part.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  part.replaceWith(fresh);
  if (focused) fresh.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
  return true;
}

// False: a part is still to be renewed.
async function renew() {
  let done = true;
  const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
    if (fresh) done = swap(part, document.importNode(fresh, true)) && done;
  }
  document.title = page.title;
  renewed = Date.now();
  return done;
}

async function add(answer) {
  const before = next;
  next = Number(answer.headers.get("X-Jobsite-Next"));
  append(await answer.text(), next - before);
}

// Another attempt writes another output, from its beginning.
function begin(answer) {
  log.dataset.attempt = answer.headers.get("X-Jobsite-Attempt");
  next = cut = kept = 0;
  text.replaceChildren();
  earlier.hidden = true;
  return false;
}

// Logged out, or the job is no longer this person's to see.
class NotOurs extends Error {}

// One look. True: the job has ended and everything is here.
async function look() {
  const answer = await fetch(`${log.dataset.url}from=${next}`, { headers: { Accept: "text/plain" } });
  if (answer.redirected || answer.status === 404) throw new NotOurs();
  if (!answer.ok) throw new Error(String(answer.status));
  if (answer.headers.get("X-Jobsite-Attempt") !== log.dataset.attempt) return begin(answer);
  const size = Number(answer.headers.get("X-Jobsite-Size"));
  if (following && size - next > MOST_SHOWN) skipTo(size - PIECE);
  else await add(answer);
  behind = size - next > PIECE / 2;
  const changed = answer.headers.get("X-Jobsite-Version") !== version;
  if (changed || Date.now() - renewed > RENEW) {
    version = answer.headers.get("X-Jobsite-Version");
    await renew();
  }
  return answer.headers.get("X-Jobsite-Ended") === "true";
}

const wait = (span) => new Promise((done) => { setTimeout(done, span); });
const visible = () => document.hidden
  ? new Promise((done) => { document.addEventListener("visibilitychange", done, { once: true }); })
  : undefined;

async function follow() {
  for (;;) {
    await visible();
    try {
      if (await look() && await renew()) return say("ended", "");
      say("on", "Live");
      if (!behind) await wait(EVERY);
    } catch (error) {
      if (error instanceof NotOurs) return say("lost", "Reload the page to go on");
      say("lost", "Reconnecting… the job goes on");
      await wait(AFTER_FAILURE);
    }
  }
}

pane.addEventListener("scroll", () => { following = atEnd(); }, { passive: true });
toEnd();
if ("follow" in log.dataset) follow();
