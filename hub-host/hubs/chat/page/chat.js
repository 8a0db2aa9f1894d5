// The chat page: what is on the screen, and what the keys do.

import { HubConnection, HubError } from "./hubplane.js";

const $ = (id) => document.getElementById(id);
const hub = new HubConnection("hubs/chat");

const mine = storage("sessionStorage"); // of this window, also after a reload
const ours = storage("localStorage"); // of this browser, to fill in the form

// A window is one person: a reload, or a connection that comes back, finds its seat by this.
mine.window ??= crypto.getRandomValues(new Uint32Array(4)).join("-");

const LINES_MAX = 500;
const TOGETHER_MS = 60_000; // lines of one person this close in time share one heading

let seat = null; // { room, name } while in a room, also while the connection is away
let early = null; // news that came while an answer to Join was on its way
let hereVersion = 0;
let lastLine = null;
let unread = 0;
let ownLast = "";

// ---- In and out of a room

async function join(room, name, { again = false } = {}) {
  refuse("");
  busy($("door"), true);
  early = [];
  try {
    const welcome = await timed(hub.invoke("Join", room, name, mine.window));
    const same = again && seat?.room === welcome.room;
    seat = { room: welcome.room, name: welcome.name };
    mine.name = ours.name = welcome.name;
    ours.room = welcome.room;
    mine.joined = "yes";
    location.hash = hashOf(welcome.room);
    $("window").href = location.href;
    if (!same) clear();
    show("chat");
    here(welcome.here, { quiet: !same });
    welcome.said.forEach(said);
    for (const news of early) news();
    note(same ? "you are back" : `you are in ${welcome.room}`);
    toEnd();
    if (!same) $("text").focus();
  } catch (error) {
    if (!(error instanceof HubError)) return; // the connection went away: it will be tried again
    if (seat && !again) {
      // Refused at another room's door: still in this one.
      location.hash = hashOf(seat.room);
      return trouble(error.message);
    }
    out();
    refuse(error.message);
  } finally {
    early = null;
    busy($("door"), false);
  }
}

async function leave() {
  trouble("");
  out();
  await hub.invoke("Leave").catch(() => {});
}

function out() {
  if (seat) $("room").value = seat.room;
  seat = null;
  delete mine.joined;
  unread = 0;
  show("door");
}

function show(which) {
  $("door").hidden = which !== "door";
  $("chat").hidden = which !== "chat";
  document.body.dataset.in = which;
  $("title").textContent = which === "chat" ? seat.room : "Hubplane chat";
  if (which === "door") {
    $("name").focus();
    $("name").select();
  }
  title();
}

const refuse = (text) => ($("refusal").textContent = text);
const busy = (form, is) => form.setAttribute("aria-busy", is);

async function timed(answer) {
  const start = performance.now();
  const result = await answer;
  const ms = performance.now() - start;
  $("answered").textContent = `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
  return result;
}

// ---- What the hub tells

hub.on("Said", (line) => ofRoom(line, said));
hub.on("Here", (news) => ofRoom(news, here));

/** News of this room are shown; those of the room that is just being entered wait for its welcome. */
function ofRoom(news, show) {
  if (news.room === seat?.room) show(news);
  else early?.push(() => ofRoom(news, show));
}

/** Who is here now; news may overtake each other, so each has a version. */
function here({ version, people }, { quiet = false } = {}) {
  if (version <= hereVersion) return;
  hereVersion = version;
  const before = [...$("people").children].map((item) => item.dataset.name);
  $("count").textContent = people.length === 1 ? "1 person" : `${people.length} people`;
  $("people").replaceChildren(...people.map(person));
  if (quiet) return;
  for (const name of people) if (!before.includes(name)) note(`${name} came in`);
  for (const name of before) if (!people.includes(name)) note(`${name} left`);
}

function person(name) {
  const item = element("li", { className: "person" }, avatar(name), element("bdi", {}, name));
  item.dataset.name = name;
  if (name === seat?.name) item.append(element("span", { className: "you" }, "you"));
  return item;
}

/** One line, at its place: history and news overlap, so a line that is there already is left alone. */
function said(line) {
  const list = $("lines");
  const items = [...list.children];
  if (items.some((item) => item.dataset.number === String(line.number))) return;
  const follower = items.find((item) => Number(item.dataset.number) > line.number);
  const atEnd = follower === undefined;
  const own = line.name === seat?.name;
  const together = atEnd && lastLine?.name === line.name && line.at - lastLine.at < TOGETHER_MS;
  const stay = nearEnd() || own;

  const item = element("li", { className: "line" });
  item.dataset.number = line.number;
  item.classList.toggle("own", own);
  item.classList.toggle("together", together);
  const time = new Date(line.at);
  const clock = time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  item.append(
    avatar(line.name),
    element("p", { className: "who" }, element("bdi", {}, line.name), " ", element("time", { dateTime: time.toISOString() }, clock)),
    element("p", { className: "text", dir: "auto" }, ...linked(line.text)),
  );
  list.insertBefore(item, follower ?? null);
  if (atEnd) lastLine = line;
  while (list.children.length > LINES_MAX) list.firstElementChild.remove();

  if (stay) toEnd();
  else $("latest").hidden = false;
  if (!own && !document.hasFocus()) unread += 1;
  title();
}

function note(text) {
  const stay = nearEnd();
  $("lines").append(element("li", { className: "note" }, text));
  lastLine = null;
  if (stay) toEnd();
}

function clear() {
  $("lines").replaceChildren();
  $("people").replaceChildren();
  $("latest").hidden = true;
  lastLine = null;
}

// ---- Pieces of the screen. Whatever a person wrote becomes text, never markup.

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function avatar(name) {
  let hue = 0;
  for (const char of name.toLowerCase()) hue = (hue * 31 + char.codePointAt(0) * 137) % 360;
  const made = element("span", { className: "avatar", ariaHidden: "true" }, [...name][0].toUpperCase());
  made.style.setProperty("--hue", hue);
  return made;
}

function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"]+)/).map((part, index) =>
    index % 2 ? element("a", { href: part, target: "_blank", rel: "noopener noreferrer nofollow" }, part) : part,
  );
}

function title() {
  const place = seat ? `${seat.room} · Hubplane chat` : "Hubplane chat";
  document.title = unread > 0 ? `(${unread}) ${place}` : place;
}

const nearEnd = () => $("lines").scrollHeight - $("lines").scrollTop - $("lines").clientHeight < 60;

function toEnd() {
  $("lines").scrollTop = $("lines").scrollHeight;
  $("latest").hidden = true;
}

// ---- The connection

const STATES = { connecting: "connecting", connected: "connected", closed: "disconnected" };

hub.onstate = (state, { reason, afterMs }) => {
  $("state").dataset.state = state;
  $("state").textContent = STATES[state] ?? `back in ${Math.max(1, Math.round(afterMs / 1000))} s`;
  $("state").title = reason ?? "";
  $("connection").textContent = hub.id ?? "none";
  for (const part of document.querySelectorAll(".primary")) part.disabled = state !== "connected";
  if (state === "closed") trouble(`The server ended the connection: ${reason}. Reload the page to come back.`);
  if (state !== "connected") return;
  trouble("");
  if (seat) join(seat.room, seat.name, { again: true });
  else if (mine.joined) join(wantedRoom(), mine.name);
};

const trouble = (text) => (($("trouble").textContent = text), refuse(text));

// ---- The composer

async function say() {
  const text = $("text").value.trim();
  if (!text || hub.state !== "connected") return;
  $("text").value = "";
  grow();
  trouble("");
  ownLast = text;
  try {
    await timed(hub.invoke("Say", text)).catch(async (error) => {
      // The hub may have been restarted under a connection that stayed; it then asks to join again.
      if (!/^join a room/i.test(error.message)) throw error;
      await join(seat.room, seat.name, { again: true });
      await hub.invoke("Say", text);
    });
  } catch (error) {
    // Nothing that was typed is lost: it goes back to where it came from.
    $("text").value = $("text").value ? `${text}\n${$("text").value}` : text;
    grow();
    trouble(`Not sent: ${error.message}`);
  }
}

function grow() {
  const area = $("text");
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  say();
  $("text").focus();
});

$("text").addEventListener("input", grow);
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    say();
  } else if (event.key === "ArrowUp" && !event.target.value && ownLast) {
    event.preventDefault();
    event.target.value = ownLast;
    grow();
  }
});

// Whoever starts typing means the composer.
addEventListener("keydown", (event) => {
  const typing = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (typing && seat && !event.target.closest("input, textarea")) $("text").focus();
});

// ---- The doors

const wantedRoom = () => hashRoom() || ours.room || "lobby";

// The slash keeps a room's name from being that of an element, to which the browser would jump.
const hashOf = (room) => `#/${encodeURIComponent(room)}`;

function hashRoom() {
  try {
    return decodeURIComponent(location.hash.replace(/^#\/?/, ""));
  } catch {
    return "";
  }
}

$("door").addEventListener("submit", (event) => {
  event.preventDefault();
  const [name, room] = [$("name").value.trim(), $("room").value.trim()];
  if (!name || !room) {
    refuse(name ? "Which room?" : "What is your name?");
    $(name ? "room" : "name").focus();
  } else if (hub.state === "connected") {
    join(room, name);
  }
});

$("leave").addEventListener("click", leave);
$("latest").addEventListener("click", toEnd);
$("lines").addEventListener("scroll", () => nearEnd() && ($("latest").hidden = true));
$("invite").addEventListener("click", async ({ target }) => {
  const label = target.textContent;
  const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
  target.textContent = copied ? "Copied" : location.href;
  setTimeout(() => (target.textContent = label), 2_000);
});

addEventListener("hashchange", () => {
  const room = hashRoom();
  $("room").value = room;
  if (seat && room && room !== seat.room) join(room, seat.name);
});

addEventListener("focus", () => {
  unread = 0;
  title();
});

function storage(kind) {
  try {
    return window[kind];
  } catch {
    return {}; // a browser that keeps nothing
  }
}

$("name").value = mine.name ?? ours.name ?? "";
$("room").value = wantedRoom();
show("door");
hub.start();
