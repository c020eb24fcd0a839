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
  const show = (...names) => parts.forEach((one) => (one.hidden = !names.includes(one.dataset.part)));
  const say = (text, urgent) => {
    const region = document.getElementById(urgent ? "live-now" : "live");
    if (region) region.textContent = text;
  };

  // Bytes and texts.
  const encode = (text) => new TextEncoder().encode(text);
  const base64url = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
  const KEY = { name: "ECDSA", namedCurve: "P-256" };
  const sign = async (key, ...words) =>
    base64url(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, encode(["mfa-gate 1", host, ...words].join("\n"))));

  // The phone's own drawer: one entry for each account that this phone is set up for.
  const drawer = () =>
    new Promise((done, fail) => {
      const opening = indexedDB.open("mfa-gate", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore("devices", { keyPath: "id", autoIncrement: true });
      opening.onsuccess = () => done(opening.result);
      opening.onerror = () => fail(opening.error);
    });
  const inDrawer = async (mode, act) => {
    const open = await drawer();
    try {
      return await new Promise((done, fail) => {
        const asked = act(open.transaction("devices", mode).objectStore("devices"));
        asked.onsuccess = () => done(asked.result);
        asked.onerror = () => fail(asked.error);
      });
    } finally {
      open.close();
    }
  };
  const devices = () => inDrawer("readonly", (store) => store.getAll());
  const keep = (device) => inDrawer("readwrite", (store) => store.put(device));
  const forget = (device) => inDrawer("readwrite", (store) => store.delete(device.id));

  const call = async (name, body) => {
    const answer = await fetch(`${base}/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-MFA-Gate": "1", Accept: "application/json" },
      body: JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
    });
    return { ok: answer.ok, ...(await answer.json()) };
  };

  // Joining: the address that the picture holds has a token behind the #, which browsers send to nobody.
  const join = async () => {
    const token = new URLSearchParams(location.hash.slice(1)).get("e");
    if (!token) return true;
    history.replaceState(null, "", location.pathname);
    show("busy");
    const keys = await crypto.subtle.generateKey(KEY, false, ["sign", "verify"]);
    const key = base64url(await crypto.subtle.exportKey("raw", keys.publicKey));
    const joined = await call("join", { token, key, signature: await sign(keys.privateKey, "join", token, key) });
    if (!joined.ok) {
      show("unjoined");
      part("unjoined").focus();
      return false;
    }
    await keep({ device: joined.device, person: joined.person, service: joined.service, keys });
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

  const list = part("requests");
  const cards = new Map();
  const drop = (id) => {
    const card = cards.get(id);
    if (card) card.remove();
    cards.delete(id);
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
    made.querySelector("h2").textContent = request.purpose === "enroll" ? main.dataset.trying : main.dataset.asking;
    field("person").textContent = found.person;
    field("service").textContent = found.service;
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
        if (result.ok) return end(request.id, verb === "deny" ? "denied" : request.purpose === "enroll" ? "tried" : "approved");
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
    made.querySelector("[data-deny]").addEventListener("click", () => answer("deny"));
    return made;
  };

  let done = "";
  const end = (id, name) => {
    drop(id);
    done = name;
    settle();
    part(name).focus();
  };
  const settle = () => {
    list.hidden = !cards.size;
    if (cards.size) return show("requests");
    show(...(done ? [done, "idle"] : ["idle"]));
  };

  const look = async () => {
    const mine = await devices();
    if (!mine.length) return show("empty");
    const seen = new Set();
    for (const device of mine) {
      const found = await waiting(device);
      if (found.reason === "not_found") {
        await forget(device);
        continue;
      }
      if (!found.ok) continue;
      if (found.device !== device.device || found.person !== device.person) await keep({ ...device, device: found.device, person: found.person });
      for (const request of found.requests) {
        seen.add(request.id);
        if (cards.has(request.id)) continue;
        const made = card({ ...device, device: found.device }, found, request);
        cards.set(request.id, made);
        list.append(made);
        done = "";
        say(main.dataset.arrived, true);
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
  const pushes = main.dataset.pushKey && "serviceWorker" in navigator && "PushManager" in window;
  const wake = async () => {
    const registration = await navigator.serviceWorker.ready;
    const options = { userVisibleOnly: true, applicationServerKey: bytes(main.dataset.pushKey) };
    const subscription = JSON.stringify(await registration.pushManager.subscribe(options));
    for (const device of await devices()) {
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
      if (!(await join())) return undefined;
    } catch {
      return show("unable");
    }
    if ((await devices()).length) offerWaking().catch(() => {});
    return watch();
  };
  start();
})();
