// What a script adds to pages that work without it: local times, copying, printing, one submit. Waiting and passkeys have files
// of their own, for the pages that have such things. Nothing here decides anything or talks to another site. The tab keeps the
// wanted page's fragment, and a cookie the time zone.
"use strict";

const mfaPage = (() => {
  const all = (selector, act) => document.querySelectorAll(selector).forEach(act);
  const lang = document.documentElement.lang || "en";
  const polite = document.getElementById("live");
  const urgent = document.getElementById("live-now");
  const say = (text, region = polite) => {
    if (region) region.textContent = text;
  };

  // The fragment of the wanted page (#/inbox). Browsers take it along to our first page, but never send it. The tab keeps it
  // on the way through our pages; it goes with our forms, and with the links that lead on. A new arrival begins anew.
  const FRAGMENT = "mfa-fragment";
  const ours = new URL("..", document.currentScript.src).href;
  const brought = location.hash.slice(1);
  let fragment = "";
  try {
    if (brought && brought !== "errors" && !document.getElementById(brought)) sessionStorage.setItem(FRAGMENT, brought);
    else if (!document.referrer.startsWith(ours)) sessionStorage.removeItem(FRAGMENT);
    fragment = sessionStorage.getItem(FRAGMENT) || "";
  } catch {
    // no storage here: the wanted page opens at its beginning
  }
  if (fragment) {
    all("form[method=post]", (form) => {
      if (form.elements.csrf_token) form.addEventListener("formdata", (event) => event.formData.set("fragment", fragment));
    });
    all("a[data-onward]", (link) => {
      if (!link.hash) link.hash = fragment;
    });
  }

  // A box that was cleared stays so for a while, over help, another method, another language and a reload: no link carries a form,
  // and on a shared computer the next person would need the password alone (U-11).
  const ONCE = "mfa-once";
  all("input[name=remember]", (box) => {
    try {
      if (Date.now() - sessionStorage.getItem(ONCE) < 600000) box.checked = false;
      box.addEventListener("change", () => sessionStorage.setItem(ONCE, box.checked ? 0 : Date.now()));
    } catch {
      // no storage here: a form of ours keeps the choice, a link does not
    }
  });

  // The time zone, for the times in our mails.
  try {
    const zone = `mfa-zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
    const safe = location.protocol === "https:" ? "; Secure" : "";
    if (!document.cookie.split("; ").includes(zone)) document.cookie = `${zone}; Path=/; SameSite=Lax; Max-Age=31536000${safe}`;
  } catch {
    // no cookies here: mails say UTC
  }

  // Another tab's page load changes the cookie with the way back. Forms send this tab's own note along. A reload and the links
  // have it from the time at which nobody looks at the tab: the address takes it then.
  const note = document.querySelector("input[name=note]");
  const keepWay = () => {
    if (!note || !document.hidden || !location.href.startsWith(ours)) return;
    const own = (href) => (href.startsWith(ours) && href[ours.length] !== "~" ? `${ours}~${note.value}/${href.slice(ours.length)}` : href);
    history.replaceState(history.state, "", own(location.href));
    all("header a[href], main a[href], footer a[href]", (link) => {
      link.href = own(link.href);
    });
  };
  document.addEventListener("visibilitychange", keepWay);
  keepWay();

  // The menu closes as menus do: by Escape, or by a press beside it.
  all("[data-menu]", (menu) => {
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // Times: the page says UTC, the reader's own zone is nicer.
  const styles = {
    clock: { timeStyle: "short" },
    day: { dateStyle: "long" },
    moment: { dateStyle: "medium", timeStyle: "short" },
    whole: { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" },
  };
  const told = (element, style) => new Intl.DateTimeFormat(lang === "en-XA" ? "en" : lang, styles[style]).format(new Date(element.dateTime));
  all("time[data-time]", (element) => {
    element.title = element.textContent;
    element.textContent = told(element, element.dataset.time);
  });
  all("time[data-title]", (element) => {
    element.title = told(element, element.dataset.title);
  });

  // A refused form: start at what was wrong. Without a script the #errors of the form's address does that; here it has nothing
  // to do, and a redirect after the next form would keep it.
  const errors = document.getElementById("errors");
  if (errors) errors.focus();
  if (/#(errors)?$/.test(location.href)) history.replaceState(history.state, "", location.href.split("#")[0]);

  // One submit: a second press while the first is on its way does nothing. The button stays focusable.
  all("form[data-once]", (form) => {
    form.addEventListener("submit", (event) => {
      if (form.getAttribute("aria-busy") === "true") return event.preventDefault();
      form.setAttribute("aria-busy", "true");
      if (event.submitter) event.submitter.dataset.pressed = "";
      setTimeout(() => form.removeAttribute("aria-busy"), 8000);
    });
  });
  window.addEventListener("pageshow", () => all("form[aria-busy]", (form) => form.removeAttribute("aria-busy")));

  // A method that this browser cannot do is not offered, and named below the others.
  all("[data-needs]", (row) => (row.hidden = !(row.dataset.needs in window)));
  all("[data-without]", (note) => (note.hidden = note.dataset.without in window));

  // Nobody can scan the screen that they hold: on a phone the picture is folded below the link to the app.
  if (matchMedia("(pointer: coarse)").matches) all("[data-fold-on-phones]", (picture) => (picture.open = false));

  // Copy and print.
  all("[data-copy]", (button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    const label = button.querySelector("span");
    const before = label.textContent;
    button.addEventListener("click", async () => {
      const source = document.querySelector(button.dataset.copy);
      const items = [...source.querySelectorAll("li")];
      const text = items.length ? items.map((item) => item.textContent.trim()).join("\n") : source.textContent.replace(/\s+/g, "");
      try {
        await navigator.clipboard.writeText(text);
        label.textContent = button.dataset.done;
        say(button.dataset.done);
        setTimeout(() => (label.textContent = before), 4000);
      } catch {
        say(button.dataset.failed, urgent);
      }
    });
  });
  all("[data-print]", (button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });

  // Waiting and passkeys have files of their own, which come where a page has such things. A page of a host that names this file
  // alone gets them as well: the server knows the present file by any hash.
  const me = document.currentScript;
  const load = (name, things) => {
    if (!document.querySelector(things)) return;
    const src = me.dataset[name] || me.src.replace(/mfa(\.[0-9a-f]+\.js)$/, `${name}$1`);
    document.head.append(Object.assign(document.createElement("script"), { src }));
  };
  load("waiting", "[data-phases], [data-wait], [data-webotp], [data-poll]");
  load("passkeys", "[data-passkey], [data-conditional], [data-signal], form[action*='/challenge/'] input[name=code]");

  return { all, errors, polite, say, urgent };
})();
