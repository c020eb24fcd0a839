// What the phone keeps for itself: a key for each account, which no script can read, and the person's last answers.
"use strict";

const mfaDrawer = (() => {
  const STORES = ["devices", "answers"];
  const LAST = 5;

  const opened = () =>
    new Promise((done, fail) => {
      const opening = indexedDB.open("mfa-gate", 2);
      opening.onupgradeneeded = () => {
        const there = opening.result.objectStoreNames;
        for (const name of STORES) if (!there.contains(name)) opening.result.createObjectStore(name, { keyPath: "id", autoIncrement: true });
      };
      opening.onsuccess = () => {
        opening.result.onversionchange = () => opening.result.close();
        done(opening.result);
      };
      opening.onerror = () => fail(opening.error);
    });
  const within = async (name, mode, act) => {
    const open = await opened();
    try {
      return await new Promise((done, fail) => {
        const asked = act(open.transaction(name, mode).objectStore(name));
        asked.onsuccess = () => done(asked.result);
        asked.onerror = () => fail(asked.error);
      });
    } finally {
      open.close();
    }
  };
  const all = (name) => within(name, "readonly", (store) => store.getAll());
  const put = (name, item) => within(name, "readwrite", (store) => store.put(item));
  const drop = (name, id) => within(name, "readwrite", (store) => store.delete(id));

  return {
    // An entry without a name of its own is a key that has not joined yet.
    devices: async () => (await all("devices")).filter((one) => one.device),
    // The key that joins with a token: the one that was made for it, if an answer got lost on the way, or a new one.
    joining: async (token) => {
      const known = (await all("devices")).find((one) => one.token === token);
      if (known) return known;
      const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
      const made = { token, keys };
      return { ...made, id: await put("devices", made) };
    },
    keep: (device) => put("devices", device),
    forget: (device) => drop("devices", device.id),
    // Browsers clear what they may; a page that asks, and is used, is spared.
    persist: () => (navigator.storage && navigator.storage.persist ? navigator.storage.persist().catch(() => false) : false),
    answers: async () => (await all("answers")).sort((one, other) => other.at.localeCompare(one.at)).slice(0, LAST),
    answered: async (answer) => {
      await put("answers", answer);
      const kept = (await all("answers")).sort((one, other) => other.at.localeCompare(one.at));
      for (const old of kept.slice(LAST)) await drop("answers", old.id);
    },
  };
})();
