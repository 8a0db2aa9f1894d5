// The chat page, as two people in two windows see it.

import { fileURLToPath } from "node:url";

import { equal, ok, until } from "./lib/check.mjs";

const PICTURE = fileURLToPath(new URL("../../../docs/images/chat.png", import.meta.url));
const WAIT_MS = 10_000;

/** One person's window; two of them share no storage unless they share a context. */
class Person {
  static async open(context, url, room) {
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    const person = new Person();
    person.page = page;
    person.complaints = [];
    page.on("pageerror", (error) => person.complaints.push(String(error)));
    page.on("console", (message) => message.type() === "error" && person.complaints.push(message.text()));
    await page.goto(`${url}/#/${encodeURIComponent(room)}`);
    await page.locator('#state[data-state="connected"]').waitFor();
    return person;
  }

  /** By the keyboard alone: the name has the focus. */
  async join(name) {
    await this.page.locator("#name:focus").waitFor();
    await this.page.keyboard.type(name);
    await this.page.keyboard.press("Enter");
  }

  async joined() {
    await this.page.getByLabel("Message", { exact: true }).waitFor();
  }

  async say(text) {
    await this.page.getByLabel("Message", { exact: true }).fill(text);
    await this.page.keyboard.press("Enter");
  }

  hears(text) {
    return this.page.locator(".line .text", { hasText: text }).first().waitFor();
  }

  lines() {
    return this.page.locator(".line .text").allTextContents();
  }

  async sees(people) {
    const names = () => this.page.locator("#people bdi").allTextContents();
    await until(async () => (await names()).join() === people.join(), `seeing ${people}`).catch(async (error) => {
      throw new Error(`${error.message}; sees ${await names()}`);
    });
  }
}

const WINDOW = { viewport: { width: 940, height: 600 }, locale: "en-GB" };

/** Each test is given `windows`, which opens browser contexts; they are closed when it ends. */
export const chat = {
  async "two people talk in a room and see each other"({ windows, url, screenshot }) {
    const [one, two] = [await windows(WINDOW), await windows(WINDOW)];
    const [ana, bo] = [await Person.open(one, url, "harbour"), await Person.open(two, url, "harbour")];
    await ana.join("Ana");
    await ana.joined();
    await ana.sees(["Ana"]);
    await ana.say("Good morning! Is anybody here yet?");
    await ana.hears("anybody here");

    await bo.join("Bo");
    await bo.joined();
    await Promise.all([ana.sees(["Ana", "Bo"]), bo.sees(["Ana", "Bo"])]);
    await bo.hears("anybody here"); // the history of this minute
    await bo.say("Just came in: <b>this</b> & that stay what I typed.");
    await ana.hears("<b>this</b> & that");
    await ana.say("One hub in Rust behind it, every client in front: https://example.org/hubs");
    await Promise.all([ana, bo].map((person) => person.hears("every client in front")));
    equal(await ana.lines(), await bo.lines());
    equal(await bo.page.locator('.text a[href="https://example.org/hubs"]').count(), 1);

    const wire = await ana.page.locator("#wire").innerText();
    for (const part of ["WebSockets", "SignalR, JSON", "ms"]) ok(wire.includes(part), `${part} in ${wire}`);
    await bo.say("Two windows, one room.");
    await ana.hears("Two windows");
    if (screenshot) {
      await ana.page.emulateMedia({ reducedMotion: "reduce" });
      await ana.page.screenshot({ path: PICTURE });
    }

    await bo.page.getByRole("button", { name: "Leave" }).click();
    await ana.sees(["Ana"]);
    await bo.page.getByLabel("Your name").waitFor();
    equal([ana.complaints, bo.complaints], [[], []]);
  },

  async "a reload keeps the name, the room and what was said"({ windows, url }) {
    const [one, two] = [await windows(WINDOW), await windows(WINDOW)];
    const [ana, bo] = [await Person.open(one, url, "Quay 7/ü"), await Person.open(two, url, "quay 7/ü")];
    await ana.join("Ana");
    await bo.join("Bo");
    await ana.sees(["Ana", "Bo"]);
    await ana.say("before");
    await bo.hears("before");
    await ana.page.reload();
    await ana.joined();
    await ana.hears("before");
    await ana.say("after");
    await bo.hears("after");
    await bo.sees(["Ana", "Bo"]);
    equal(await bo.lines(), ["before", "after"]);
  },

  async "a name that is taken is refused, and another one works"({ windows, url }) {
    const context = await windows(WINDOW);
    const [ana, other] = [await Person.open(context, url, "taken"), await Person.open(context, url, "taken")];
    await ana.join("Ana");
    await ana.joined();
    await other.join("ana");
    await other.page.getByText("Ana is taken in taken").waitFor();
    await other.join("Bo"); // the name is selected: typing replaces it
    await other.joined();
    await ana.sees(["Ana", "Bo"]);
  },

  async "another address is another room, and a refusal keeps the one there was"({ windows, url }) {
    const context = await windows(WINDOW);
    const [ana, bo] = [await Person.open(context, url, "left"), await Person.open(context, url, "right")];
    await ana.join("Ana");
    await ana.joined();
    await bo.join("Bo");
    await bo.joined();
    await ana.page.evaluate(() => (location.hash = "#/right"));
    await Promise.all([ana.sees(["Ana", "Bo"]), bo.sees(["Ana", "Bo"])]);
    await ana.say("moved");
    await bo.hears("moved");
    await ana.page.evaluate((room) => (location.hash = `#/${room}`), "x".repeat(33));
    await ana.page.locator("#trouble", { hasText: "a room's name has at most 32 letters" }).waitFor();
    equal(await ana.page.evaluate(() => location.hash), "#/right");
    await ana.say("still here");
    await bo.hears("still here");
  },

  async "what was missed is counted in the title"({ windows, url }) {
    const context = await windows(WINDOW);
    const [ana, bo] = [await Person.open(context, url, "title"), await Person.open(context, url, "title")];
    await ana.join("Ana");
    await ana.joined();
    await bo.join("Bo");
    await bo.joined();
    await ana.page.evaluate(() => Object.defineProperty(document, "hasFocus", { value: () => false }));
    await bo.say("one");
    await bo.say("two");
    await until(async () => (await ana.page.title()).startsWith("(2) title"), "the count in the title");
    await ana.page.evaluate(() => dispatchEvent(new Event("focus")));
    equal(await ana.page.title(), "title · Hubplane chat");
  },

  async "when the server restarts, people come back by themselves"({ windows, restartable }) {
    const context = await windows(WINDOW);
    const [ana, bo] = [
      await Person.open(context, restartable.url, "again"),
      await Person.open(context, restartable.url, "again"),
    ];
    await ana.join("Ana");
    await ana.joined();
    await bo.join("Bo");
    await bo.joined();
    await restartable.restart();
    await Promise.all([ana.sees(["Ana", "Bo"]), bo.sees(["Ana", "Bo"])]);
    await ana.page.locator('#state[data-state="connected"]').waitFor();
    await ana.say("still me");
    await bo.hears("still me");
  },

  async "it fits a phone, and works in the dark"({ windows, url }) {
    const phone = { viewport: { width: 360, height: 640 }, hasTouch: true, colorScheme: "dark" };
    const context = await windows(phone);
    const ana = await Person.open(context, url, "pocket");
    await ana.join("Ana");
    await ana.joined();
    await ana.say("a word that does not end: " + "x".repeat(200));
    await ana.hears("does not end");
    const wide = await ana.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    ok(wide <= 0, `${wide} px too wide`);
    ok(await ana.page.getByRole("button", { name: "Send" }).isVisible(), "the button is there");
    const paper = await ana.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    ok(/rgb\(\d{1,2}, \d{1,2}, \d{1,2}\)/.test(paper), `${paper} is dark`);
  },

  async "everything that a person can use has a name"({ windows, url }) {
    const context = await windows(WINDOW);
    const ana = await Person.open(context, url, "names");
    await ana.join("Ana");
    await ana.joined();
    const nameless = await ana.page.evaluate(() =>
      [...document.querySelectorAll("button, input, textarea, a")]
        .filter((part) => !(part.labels?.length || part.ariaLabel || part.textContent.trim()))
        .map((part) => part.outerHTML),
    );
    equal(nameless, []);
    equal(await ana.page.getByRole("log").getAttribute("aria-live"), "polite");
  },
};
