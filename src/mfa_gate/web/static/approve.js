// The page on the phone: asks what waits, shows it, and keeps the last answers of its owner.
"use strict";

(() => {
  const { call, main, named, nonce: fresh, part, say, show, sign, told, wear } = mfaPhone;
  const { card } = mfaCard;
  const { inTab, join } = mfaJoin;

  // What waits.
  let nonce = "";
  const waiting = async (device) => {
    for (let turn = 0; turn < 2; turn += 1) {
      if (!nonce) nonce = await fresh();
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
      about.append(...[service, agent, where].filter(Boolean).flatMap((text) => [named(document.createElement("bdi"), text), "\u00a0· "]), when);
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
        const made = card({ ...device, device: found.device }, found, request, end);
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
      mfaWake.offer().catch(() => {});
    }
    return watch();
  };
  start();
})();
