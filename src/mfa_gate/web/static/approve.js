// The page on the phone: makes a key that never leaves it, asks what waits, and signs the answers of its owner.
"use strict";

(() => {
  const main = document.getElementById("approve");
  if (!main) return;
  const base = main.dataset.base;
  const host = main.dataset.host;
  const lang = document.documentElement.lang || "en";
  const part = (name) => main.querySelector(`[data-part="${name}"]`);
  const parts = [...main.querySelectorAll("[data-part]")];
  const head = main.parentElement.querySelector(".head");
  const show = (...names) => {
    head.classList.toggle("vh", names.includes("requests")); // the question is the heading then
    parts.forEach((one) => (one.hidden = !names.includes(one.dataset.part)));
  };
  const say = (text, urgent) => {
    const region = document.getElementById(urgent ? "live-now" : "live");
    if (region) region.textContent = text;
  };

  // Bytes and texts.
  const encode = (text) => new TextEncoder().encode(text);
  const base64url = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
  const sign = async (key, ...words) =>
    base64url(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, encode(["mfa-gate 1", host, ...words].join("\n"))));

  const call = async (name, body) => {
    const answer = await fetch(`${base}/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-MFA-Gate": "1", Accept: "application/json" },
      body: JSON.stringify(body),
      cache: "no-store",
      credentials: "same-origin",
    });
    return { ok: answer.ok, ...(await answer.json()) };
  };

  // An iPhone clears what a page in the browser keeps, after a week without a visit. A page on the Home Screen has a storage of
  // its own, which stays. So it is installed first; its start address takes the token along, by a cookie for the manifest.
  const installed = navigator.standalone === true || matchMedia("(display-mode: standalone)").matches;
  const inTab = navigator.standalone === false && navigator.maxTouchPoints > 0;
  const carry = (token) => {
    const own = location.protocol === "https:"; // then no other host of the same site can set a cookie of this name
    const [host, where] = own ? ["__Host-", "/; Secure"] : ["", base];
    document.cookie = `${host}mfa-carry=${encodeURIComponent(token)}; Max-Age=${token ? 600 : 0}; SameSite=Strict; Path=${where}`;
  };
  const chosen = () => new Promise((go) => {
    const button = main.querySelector("[data-here]");
    button.hidden = false;
    button.addEventListener("click", go, { once: true });
  });

  // The page in the brand of the organization that asks: loaded once more, it has it.
  const wear = (whose) => {
    try {
      if (sessionStorage.getItem("mfa-worn") === whose) return false; // cookies are off: it stays as it is
      sessionStorage.setItem("mfa-worn", whose);
    } catch {
      return false;
    }
    location.reload();
    return true;
  };

  // Joining: the address that the picture holds has a token behind the #, which browsers send to nobody. It stays there until the
  // key is known to the server; an answer that got lost is asked for again, with the same key. An installed page starts with
  // its old token each time.
  const join = async () => {
    const token = new URLSearchParams(location.hash.slice(1)).get("e");
    if (!token) return true;
    const mine = await mfaDrawer.joining(token);
    if (!mine.device && !("worn" in main.dataset)) {
      carry(token);
      if (wear(token)) return false;
    }
    if (!mine.device && inTab) {
      carry(token);
      show("install");
      await chosen();
    }
    if (!mine.device) {
      show("busy");
      const key = base64url(await crypto.subtle.exportKey("raw", mine.keys.publicKey));
      const joined = await call("join", { token, key, signature: await sign(mine.keys.privateKey, "join", token, key) });
      if (!joined.ok) {
        await mfaDrawer.forget(mine);
        if (installed && (await mfaDrawer.devices()).length) return true; // its start address has an old token
        const why = "known" in main.dataset ? "lost" : "unjoined";
        show(why);
        part(why).focus();
        return false;
      }
      await mfaDrawer.keep({ ...mine, device: joined.device, person: joined.person, service: joined.service });
      carry("");
    }
    history.replaceState(null, "", location.pathname);
    return true;
  };

  // What waits. A nonce is signed with every question, so that an overheard one is worth nothing soon.
  let nonce = "";
  const waiting = async (device) => {
    for (let turn = 0; turn < 2; turn += 1) {
      if (!nonce) nonce = (await call("nonce", {})).nonce || "";
      const found = await call("waiting", {
        device: device.device,
        nonce,
        signature: await sign(device.keys.privateKey, "waiting", device.device, nonce),
      });
      if (found.ok) nonce = found.nonce;
      if (found.reason !== "code_expired") return found;
      nonce = "";
    }
    return { ok: false };
  };

  const told = (element, at) => {
    element.dateTime = at;
    element.textContent = new Intl.DateTimeFormat(lang === "en-XA" ? "en" : lang, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
  };

  // The last answers stand below: an empty page is one that nobody trusts.
  const recall = async () => {
    const place = main.querySelector("[data-answers]");
    const words = document.getElementById("answers").content;
    const lines = (await mfaDrawer.answers()).map(({ name, service, where, agent, at }) => {
      const line = words.querySelector(`[data-${name}]`).cloneNode(true);
      const when = document.createElement("time");
      told(when, at);
      const about = document.createElement("span");
      about.className = "muted";
      about.append(...[service, agent, where].filter(Boolean).flatMap((text) => [Object.assign(document.createElement("bdi"), { textContent: text }), " · "]), when);
      line.append(about);
      return line;
    });
    place.querySelector("ul").replaceChildren(...lines);
    place.hidden = !lines.length;
  };

  const list = part("requests");
  const cards = new Map();
  const drop = (id) => {
    const card = cards.get(id);
    if (card) card.remove();
    cards.delete(id);
    count();
  };
  // A reader must not find "A request is waiting" when none is.
  const title = document.title;
  const count = () => {
    document.title = cards.size ? `(${cards.size}) ${title}` : title;
    if (!cards.size) say("", true);
  };

  const card = (device, found, request) => {
    const made = document.createElement("form");
    made.autocomplete = "off";
    made.noValidate = true;
    made.append(document.getElementById("request").content.firstElementChild.cloneNode(true));
    for (const button of made.querySelectorAll("button")) button.hidden = false;
    made.querySelector("[data-approve]").type = "submit";
    const field = (name) => made.querySelector(`[data-field="${name}"]`);
    const id = `n-${request.id}`;
    const asking = main.dataset.asking.replace("{service}", found.service);
    made.querySelector("h2").textContent = request.purpose === "enroll" ? main.dataset.trying : asking;
    if (request.purpose === "enroll") made.querySelector("[data-approve]").textContent = main.dataset.confirm;
    made.querySelector('[data-verb="cancel"]').hidden = request.purpose === "enroll";
    field("person").textContent = found.person;
    field("where").textContent = request.where || main.dataset.unknown;
    field("agent").textContent = request.agent || main.dataset.unknown;
    told(field("at"), request.at);
    const input = made.querySelector("input");
    const wrong = made.querySelector(".field-error");
    input.id = id;
    wrong.id = `${id}-error`;
    made.querySelector("label").htmlFor = id;
    const complain = (text) => {
      wrong.hidden = !text;
      wrong.querySelector("span").textContent = text;
      if (text) input.setAttribute("aria-invalid", "true");
      if (text) input.setAttribute("aria-describedby", wrong.id);
      if (text) input.focus();
    };
    const answer = async (verb) => {
      if (made.getAttribute("aria-busy") === "true") return;
      const number = verb === "approve" ? input.value.trim() : "";
      if (verb === "approve" && !number) return complain(main.dataset.missing);
      made.setAttribute("aria-busy", "true");
      try {
        const result = await call("answer", {
          device: device.device,
          request: request.id,
          verb,
          number,
          signature: await sign(device.keys.privateKey, verb, request.id, number, found.subject, request.expires),
        });
        if (result.ok) return end(request.id, { deny: "denied", cancel: "canceled" }[verb] || (request.purpose === "enroll" ? "tried" : "approved"), { ...request, service: found.service });
        if (result.reason === "wrong_code" || result.reason === "malformed") {
          input.value = "";
          if (!(result.attempts_remaining === 0)) return complain(main.dataset.wrong);
        }
        return end(request.id, result.reason === "locked" || result.attempts_remaining === 0 ? "locked" : "ended");
      } catch {
        complain(main.dataset.offline);
      } finally {
        made.removeAttribute("aria-busy");
      }
    };
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      answer("approve");
    });
    for (const button of made.querySelectorAll("[data-verb]")) button.addEventListener("click", () => answer(button.dataset.verb));
    return made;
  };

  let done = "";
  const end = (id, name, answered) => {
    drop(id);
    done = name;
    settle();
    part(name).focus();
    if (!answered) return;
    const { service, where, agent } = answered;
    mfaDrawer.answered({ name, service, where, agent, at: new Date().toISOString() }).then(recall).catch(() => {});
  };
  const settle = () => {
    list.hidden = !cards.size;
    if (cards.size) return show("requests");
    show(...(done ? [done, "idle"] : ["idle"]));
  };

  let removed = false;
  const look = async () => {
    const mine = await mfaDrawer.devices();
    if (!mine.length) return show("known" in main.dataset && !removed ? "lost" : "empty");
    const seen = new Set();
    for (const device of mine) {
      const found = await waiting(device);
      if (found.reason === "not_found") {
        await mfaDrawer.forget(device);
        removed = true;
        continue;
      }
      if (!found.ok) continue;
      if (found.device !== device.device || found.person !== device.person) await mfaDrawer.keep({ ...device, device: found.device, person: found.person });
      if (!found.worn && !cards.size && wear(found.subject)) return undefined;
      for (const request of found.requests) {
        seen.add(request.id);
        if (cards.has(request.id)) continue;
        const made = card({ ...device, device: found.device }, found, request);
        cards.set(request.id, made);
        list.append(made);
        done = "";
        count();
        say(main.dataset.arrived, true);
        const pressed = navigator.userActivation && navigator.userActivation.hasBeenActive; // browsers refuse it before
        if (navigator.vibrate && pressed) navigator.vibrate(200);
        if (document.activeElement === document.body) made.querySelector("input").focus();
      }
    }
    for (const id of [...cards.keys()]) if (!seen.has(id)) drop(id);
    return settle();
  };

  const watch = async () => {
    try {
      await look();
      part("offline").hidden = true;
    } catch {
      part("offline").hidden = false;
    }
    setTimeout(watch, document.hidden ? 10000 : 2000);
  };

  // Waking the phone, where the service has a key for it and the person wants it.
  // A browser with declarative pushes subscribes without a worker.
  const pushes = main.dataset.pushKey && ("pushManager" in window || ("serviceWorker" in navigator && "PushManager" in window));
  const wake = async () => {
    const manager = window.pushManager || (await navigator.serviceWorker.ready).pushManager;
    const options = { userVisibleOnly: true, applicationServerKey: bytes(main.dataset.pushKey) };
    const subscription = JSON.stringify(await manager.subscribe(options));
    for (const device of await mfaDrawer.devices()) {
      const fresh = (await call("nonce", {})).nonce;
      const signature = await sign(device.keys.privateKey, "wake", device.device, fresh, subscription);
      await call("wake", { device: device.device, nonce: fresh, signature, subscription });
    }
  };
  const offerWaking = async () => {
    if ("serviceWorker" in navigator) await navigator.serviceWorker.register(`${base}/worker.js`, { scope: base });
    if (!pushes || Notification.permission === "denied") return;
    const button = main.querySelector("[data-wake]");
    if (Notification.permission === "granted") return wake();
    button.hidden = false;
    button.addEventListener("click", async () => {
      if ((await Notification.requestPermission()) !== "granted") return;
      await wake();
      button.hidden = true;
      say(main.dataset.woken);
    });
  };

  const start = async () => {
    if (!window.crypto || !crypto.subtle || !window.indexedDB) return show("unable");
    try {
      await mfaDrawer.devices();
    } catch {
      return show("unable");
    }
    try {
      if (!(await join())) return undefined;
    } catch {
      show("offline");
      return setTimeout(start, 3000);
    }
    recall().catch(() => {});
    if ((await mfaDrawer.devices()).length) {
      mfaDrawer.persist();
      main.querySelector("[data-weekly]").hidden = !inTab;
      offerWaking().catch(() => {});
    }
    return watch();
  };
  start();
})();
